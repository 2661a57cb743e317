FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --create-home --uid 10001 pep
WORKDIR /app

# Before the code, so that a change of code reuses this layer.
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt

COPY . .
# Catalogues and static files belong to the image; the settings they need are thrown away with this step.
RUN DATABASE_URL=postgres://build PEP_SECRET_KEY=build PEP_HOSTS=build \
    sh -c 'python manage.py catalogues && python manage.py collectstatic --noinput --verbosity 0'

# Compiled for this machine's processor; on another one each process compiles anew, so the folder is the user's.
ENV NUMBA_CACHE_DIR=/app/kernels
RUN DATABASE_URL=postgres://build PEP_SECRET_KEY=build PEP_HOSTS=build python manage.py kernels \
    && chown -R pep /app/kernels

# What trainers upload; a volume in compose.yaml takes over the folder's owner.
RUN mkdir /data && chown pep /data
ENV PEP_DATA=/data

USER pep
EXPOSE 8000
STOPSIGNAL SIGTERM
# One of web and worker a container; `migrate` runs once before them (compose.yaml).
CMD ["python", "manage.py", "up", "--only", "web", "--host", "0.0.0.0"]
