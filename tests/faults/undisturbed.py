"""What a job finds when nothing happens to it: run once for each request, and remembered."""

from service.jobs.job import Submission
from tests.faults.house import House


class Undisturbed:
    """The result of a request, from a worker that nobody hurts."""

    def __init__(self, folder):
        self._house, self._found, self._server = House(folder), {}, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._house.close()

    def __call__(self, request):
        if request not in self._found:
            if self._server is None:
                self._server = self._house.serve(workers=1)
            job_id = self._house.submit(Submission(kind="train", request=request))
            assert self._house.finished(job_id).status == "succeeded"
            assert self._house.job(job_id).attempt == 1
            self._found[request] = self._house.result(job_id)
        return self._found[request]
