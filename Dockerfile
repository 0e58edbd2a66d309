# A release adds the digest: PYTHON=3.13-slim-bookworm@sha256:...
ARG PYTHON=3.13-slim-bookworm

# hadolint ignore=DL3006
FROM python:${PYTHON} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --disable-pip-version-check --no-compile --no-deps --only-binary :all: --require-hashes \
      --prefix /install --requirement /tmp/requirements.txt
# botocore describes every service of AWS; the image carries those that the action calls. PyGithub asks for
# cryptography to sign in as a GitHub App, and the action has a token; rich asks for what colours code and Markdown, and
# the command line shows neither. The last step of this file shows that nothing else needs them. Licences stay.
RUN find /install/lib/python3*/site-packages/{botocore,boto3}/data -mindepth 1 -maxdepth 1 -type d -regextype posix-extended \
      ! -regex '.*/(cloudformation|cloudtrail|dynamodb|ec2|ecr|ecs|iam|lambda|logs|rds|s3|secretsmanager|service-quotas|sns|sqs|ssm|sso|sso-oidc|sts)' \
      -exec rm -rf {} + \
 && find /install/lib/python3*/site-packages/{botocore,boto3}/data/ec2 -mindepth 1 -maxdepth 1 -type d ! -name 2016-11-15 -exec rm -rf {} + \
 && find /install -name 'examples-1.json*' -delete \
 && rm -rf /install/bin /install/lib/python3*/site-packages/{boto3/examples,cryptography*,pygments*,markdown_it*,mdurl*} \
 && find /install -depth -type d \( -name tests -o -name testing -o -name __pycache__ \) -exec rm -rf {} + \
 && find /install -type f \( -name '*.pyi' -o -name '*.c' -o -name '*.h' -o -name '*.pxd' -o -name '*.pyx' \) -delete
COPY entrypoint.py LICENSE* /app/
COPY deploy_action /app/deploy_action
# Nobody edits files in an image: byte code that is never compared with its source starts fastest and is reproducible.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /install /app

# hadolint ignore=DL3006
FROM python:${PYTHON}
LABEL org.opencontainers.image.title="deploy-coordinator" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /install /usr/local
COPY --from=build /app /app
# The base's own pip is of no use at run time, and a scanner's favourite. The base has no byte code of the standard
# library, and a container that runs as nobody cannot keep any, which costs every step most of a second: importing
# once what the action may import leaves just what is needed, and shows that it can be imported.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip \
 && AWS_EC2_METADATA_DISABLED=true python -I -c 'import importlib, pkgutil, sys; sys.path.insert(0, "/app"); import deploy_action, boto3, github, slack_sdk; \
      [importlib.import_module(m.name) for m in pkgutil.walk_packages(deploy_action.__path__, "deploy_action.") if "__main__" not in m.name]; \
      assert deploy_action.cloudformation.regions.partition_of("eu-central-1").name == "aws"; \
      [boto3.client(name, region_name="eu-central-1") for name in ("cloudformation", "cloudtrail", "dynamodb", "ec2", "ecr", "ecs", "iam", "lambda", "logs", "rds", "s3", \
        "secretsmanager", "service-quotas", "sns", "sqs", "ssm", "sts")]'
ENV HOME=/tmp
USER 65532:65532
ENTRYPOINT ["python", "-Iu", "-X", "utf8", "/app/entrypoint.py"]
