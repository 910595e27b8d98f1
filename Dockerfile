# syntax=docker/dockerfile:1
# One image for every service of docker-compose.yml; what a container does is its command.
# The version that development and CI run on.
FROM python:3.11-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.txt /tmp/requirements.txt
RUN /venv/bin/pip install -r /tmp/requirements.txt

FROM python:3.11-slim-trixie
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin wildrydes \
    && install -d -o wildrydes /data
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WILDRYDES_VAR=/app/var ENVIRONMENT=production
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
# The settings want these variables to be there; none of them reaches a server while files are collected.
RUN SECRET_KEY=build FIELD_ENCRYPTION_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    DATABASE_URL=postgres://build@127.0.0.1:1/build REDIS_URL=redis://127.0.0.1:1/0 \
    python manage.py collectstatic --noinput \
    && python -m compileall -q .
USER wildrydes
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["gunicorn", "-c", "wildrydes/gunicorn.py", "wildrydes.wsgi"]
