"""How requests speak TLS: with the certificates that are trusted here, and without the form that urllib3
demands of authorities since Python 3.13.

Imported when first used: requests is in it.
"""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from deploy_action.common.trusted_certificates import without_strict_form


class TlsAdapter(HTTPAdapter):
    """For the server itself, and for a proxy that is spoken to by TLS."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, ssl_context=_context())

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(
            proxy, **options, ssl_context=_context(), proxy_ssl_context=_context()
        )


def _context() -> Any:
    return without_strict_form(create_urllib3_context())
