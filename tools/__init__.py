"""What maintainers and workflows run; nothing of it is part of the product."""
