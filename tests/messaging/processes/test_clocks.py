"""Processes whose clocks are an hour apart: all times are the database's."""

import shutil
import subprocess

import pytest

from messaging.models import JobRun
from tenants.registry.context import enter_public
from tests.support.crew import eventually

# The real-time clock, shifted by SHIFT seconds; the monotonic one is nobody's business.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long shift(void) { const char *s = getenv("SHIFT"); return s ? atol(s) : 0; }
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(id, t);
    if (id == CLOCK_REALTIME) t->tv_sec += shift();
    return r;
}
int gettimeofday(struct timeval *t, void *z) {
    struct timespec now; clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec; t->tv_usec = now.tv_nsec / 1000; return 0;
}
time_t time(time_t *t) {
    struct timespec now; clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
"""


@pytest.fixture
def shifted(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to shift a process's clock with")
    source, shim = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
    return lambda seconds: {"LD_PRELOAD": str(shim), "SHIFT": str(seconds)}


def test_work_and_jobs_are_done_by_processes_an_hour_and_two_apart(crew, shop, shifted):
    good = shop.post("good", 6) + shop.post("good", 2, call=True)
    failing = shop.post("raise")
    crew.start("sweeper", "sweep", **shifted(-3600))
    crew.start("scheduler", "scheduler", **shifted(+3600))
    fast = crew.worker(concurrency=2, **shifted(+3600))
    crew.worker(concurrency=2, name="slow", **shifted(-3600))
    eventually(lambda: not shop.open(), what="all has ended")
    assert sorted(shop.effects()) == sorted(good)
    assert sorted(shop.outcomes()) == sorted(failing)
    assert {letter.crashes for letter in shop.letters()} == {0}, "nobody's lease ended early"

    def job_ran():
        with enter_public():
            return JobRun.objects.filter(name="fleet.sync").exists()

    eventually(job_ran, what="a scheduled job is run")
    assert fast.starts == 1
