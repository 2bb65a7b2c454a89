"""Datasets over HTTP: kept as they came, described, handed out, refused with row and column."""

import asyncio
from datetime import datetime
from hashlib import sha256

import pytest

from service.jobs.job import Submission
from service.jobs.packing import pack
from service.training.reading.tables import FORMATS
from tests.api.jobs import without_instance, world
from tests.storage.tables_of_files import FILES, VALUES

pytestmark = pytest.mark.anyio
PATH = "/v1/datasets"
UNKNOWN = f"{PATH}/ds_{'7' * 26}"


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path, key_refresh_seconds=0.1) as found:
        yield found


def media(format):
    return {"Content-Type": FORMATS[format].media_type}


async def uploaded(here, content=FILES["csv"], format="csv", headers=None, **query):
    response = await here.client.post(
        PATH, content=content, headers=media(format) | (headers or {}), params=query
    )
    assert response.status_code == 201, response.text
    return response.json()


async def refused(here, status, content=b"", headers=None, **query):
    response = await here.client.post(PATH, content=content, headers=headers, params=query)
    assert response.status_code == status, response.text
    return response.json()


@pytest.mark.parametrize("format", FILES)
async def test_every_format_is_kept_described_and_handed_out(here, format):
    content = FILES[format]
    response = await here.client.post(
        PATH, content=content, headers=media(format), params={"name": "numbers"}
    )

    found = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{PATH}/{found['id']}" == found["links"]["self"]
    assert (found["name"], found["format"], found["rows"]) == ("numbers", format, 3)
    assert (found["bytes"], found["sha256"]) == (len(content), sha256(content).hexdigest())
    assert [c["minimum"] for c in found["columns"]] == VALUES.min(axis=0).tolist()
    assert [c["maximum"] for c in found["columns"]] == VALUES.max(axis=0).tolist()
    assert datetime.fromisoformat(found["created_at"]).utcoffset().total_seconds() == 0
    assert (await here.client.get(found["links"]["self"])).json() == found

    file = await here.client.get(found["links"]["content"])
    assert file.content == content
    assert file.headers["content-length"] == str(len(content))
    assert file.headers["content-type"] == FORMATS[format].media_type
    assert file.headers["etag"] == f'"{found["sha256"]}"'
    assert f'filename="numbers.{format}"' in file.headers["content-disposition"]


@pytest.mark.parametrize("format", FILES)
async def test_octets_are_recognised_by_their_first_bytes(here, format):
    headers = {"Content-Type": "application/octet-stream"}
    found = await uploaded(here, FILES[format], headers=headers)

    assert (found["format"], found["rows"]) == (format, 3)


async def test_a_body_may_come_in_pieces_without_a_length(here):
    async def pieces():
        for place in range(len(FILES["csv"])):
            yield FILES["csv"][place : place + 1]

    assert (await uploaded(here, pieces()))["sha256"] == sha256(FILES["csv"]).hexdigest()


@pytest.mark.parametrize(
    ("content_type", "found"),
    [
        ("multipart/form-data; boundary=x", "multipart/form-data; boundary=x"),
        ("application/x-hdf5", "application/x-hdf5"),
        ("text/csv; charset=utf-16", "charset=utf-16"),
        (None, "none"),
    ],
)
async def test_other_media_types_are_refused_by_name(here, content_type, found):
    headers = {} if content_type is None else {"Content-Type": content_type}
    problem = await refused(here, 415, b"a\n1\n", headers)

    assert problem["code"] == "unsupported_media_type"
    assert found in problem["detail"]
    assert all(record.media_type in problem["detail"] for record in FORMATS.values())


@pytest.mark.parametrize("said", ["csv", "json"])
@pytest.mark.parametrize("format", ["npy", "npz", "parquet"])
async def test_a_file_that_is_sent_as_text_is_told_what_it_is(here, format, said):
    problem = await refused(here, 422, FILES[format], media(said))

    (error,) = problem["errors"]
    assert error["message"].startswith(f"found a file that begins as {format} does, expected")
    assert error["hint"] == f"send it as {FORMATS[format].media_type}"


async def test_a_form_is_told_how_files_are_sent(here):
    response = await here.client.post(PATH, files={"file": FILES["csv"]})

    assert response.status_code == 415
    assert "--data-binary @FILE" in response.json()["errors"][0]["hint"]


async def test_an_encoded_body_is_refused(here):
    problem = await refused(here, 415, b"a\n1\n", media("csv") | {"Content-Encoding": "gzip"})

    assert "Content-Encoding" in problem["detail"]


BAD = {
    "ragged": ("csv", b"a,b\n1,2\n3\n", "row 2 (line 3): found 1 cell, expected 2"),
    "word": ("csv", b"a,b\n1,2\n3,x\n", "row 2 (line 3), column 'b' (2 of 2): found 'x'"),
    "nan": ("csv", b"a\n1\nnan\n", "row 2 (line 3), column 'a' (1 of 1): found 'nan'"),
    "empty": ("csv", b"", "found an empty file"),
    "npy": ("npy", FILES["npy"][:-1], "found 47 bytes of numbers, expected 48"),
    "npz": ("npz", FILES["npz"][:40], "the archive cannot be read"),
    "json": ("json", b'{"a": [1, null]}', "row 2, column 'a', line 1: found 'null'"),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_is_no_table_is_told_with_its_place(here, case):
    format, content, message = BAD[case]
    problem = await refused(here, 422, content, media(format))

    assert problem["code"] == "bad_dataset"
    assert message in problem["errors"][0]["message"]
    assert (await here.client.get(PATH)).json()["data"] == []


async def test_all_bad_cells_of_a_block_are_told(here):
    problem = await refused(here, 422, b"a\nx\ny\n1\nz\n", media("csv"))

    assert [e["message"].split(":")[0][:5] for e in problem["errors"]] == [
        "row 1", "row 2", "row 4",
    ]  # fmt: skip


async def test_names_are_checked(here):
    long = await refused(here, 422, b"a\n1\n", media("csv"), name="n" * 201)
    control = await refused(here, 422, b"a\n1\n", media("csv"), name="a\nb")
    empty = await refused(here, 422, b"a\n1\n", media("csv"), name="")
    other = await refused(here, 422, b"a\n1\n", media("csv"), nome="a")

    assert "query name: found 201 characters, expected 1 to 200" in long["detail"]
    assert "query name: found 'a\\nb'" in control["detail"]
    assert "query name: found ''" in empty["detail"]
    assert "unknown parameter 'nome'" in other["detail"]


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ('../../etc/"passwd"', "etc_passwd", "_.._etc_passwd_.csv"),
        ("Zahlen für ä.csv", "Zahlen_f_r", "Zahlen%20f%C3%BCr%20%C3%A4.csv"),
        ("数据", None, "%E6%95%B0%E6%8D%AE.csv"),
        (None, None, None),
    ],
)
async def test_a_file_is_offered_under_a_safe_name(here, name, plain, encoded):
    found = await uploaded(here, **({} if name is None else {"name": name}))
    response = await here.client.get(found["links"]["content"])
    offered = response.headers["content-disposition"]

    assert f'filename="{plain or found["id"]}.csv"' in offered
    assert offered.endswith(f"filename*=UTF-8''{encoded or found['id'] + '.csv'}")


async def test_what_is_too_large_is_refused(tmp_path):
    async with world(tmp_path, max_dataset_bytes=1000, max_body_bytes=100) as here:
        fine = await uploaded(here, b"a\n" + b"1\n" * 400)
        announced = await refused(here, 413, b"1\n" * 600, media("csv"))

        async def pieces():
            for _ in range(600):
                yield b"1\n"

        counted = await refused(here, 413, pieces(), media("csv"))
        other = await here.client.post("/v1/evaluate", content=b" " * 200)

    assert fine["rows"] == 400
    assert "limit max_dataset_bytes is 1000" in announced["detail"]
    assert "limit max_dataset_bytes is 1000" in counted["detail"]
    assert "limit max_body_bytes is 100" in other.json()["detail"]


async def test_pages_go_from_the_newest_to_the_oldest(here):
    ids = [(await uploaded(here, b"a\n%d\n" % k))["id"] for k in range(5)]
    first = (await here.client.get(PATH, params={"limit": 2})).json()
    second = (await here.client.get(PATH, params={"limit": 3, "after": first["next"]})).json()
    bad = await here.client.get(PATH, params={"after": "x"})
    many = await here.client.get(PATH, params={"limit": 101})

    assert [d["id"] for d in first["data"] + second["data"]] == ids[::-1]
    assert (first["has_more"], second["has_more"], second["next"]) == (True, False, None)
    assert (bad.status_code, "after" in bad.json()["detail"]) == (422, True)
    assert "expected a whole number from 1 to 100" in many.json()["detail"]


async def test_what_is_not_there_another_s_and_malformed_ids_are_answered_alike(here):
    mine, theirs = here.key("mine"), here.key("theirs")
    await asyncio.sleep(0.15)
    found = await uploaded(here, headers=mine)
    paths = [found["links"]["self"], UNKNOWN, f"{PATH}/ds_x", f"{PATH}/job_{'7' * 26}",
             f"{PATH}/%00", f"{PATH}/ds_{'u' * 26}"]  # fmt: skip
    answers = []
    for path in paths:
        for method, end in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
            response = await here.client.request(method, path + end, headers=theirs)
            assert response.status_code == 404
            answers.append(without_instance(response))

    assert all(answer == answers[0] for answer in answers)
    assert (await here.client.get(PATH, headers=theirs)).json()["data"] == []
    assert (await here.client.get(paths[0], headers=mine)).json() == found


async def test_a_key_needs_the_scope(here):
    jobs = here.key("mine", scopes=("jobs",))
    await asyncio.sleep(0.15)
    response = await here.client.get(PATH, headers=jobs)

    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def test_a_dataset_is_forgotten_unless_a_job_uses_it(here):
    free, used = await uploaded(here), await uploaded(here)
    request = pack({"kind": "train"})
    submission = Submission(kind="train", request=request, datasets=(used["id"],))
    here.stores.jobs.submit("local", submission)

    deleted = await here.client.delete(free["links"]["self"])
    kept = await here.client.delete(used["links"]["self"])

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await here.client.get(free["links"]["self"])).status_code == 404
    assert (kept.status_code, kept.json()["code"]) == (409, "in_use")
    assert (await here.client.get(used["links"]["content"])).content == FILES["csv"]


async def test_uploads_of_the_same_content_at_once_are_datasets_of_one_file(here):
    found = await asyncio.gather(*(uploaded(here) for _ in range(20)))

    assert len({each["id"] for each in found}) == 20
    folder = here.settings.data_directory / "files"
    assert len([p for p in folder.glob("??/*") if p.is_file()]) == 1


async def test_head_tells_of_the_file_without_reading_it(here):
    found = await uploaded(here)
    (file,) = (here.settings.data_directory / "files").glob("??/*")
    got = await here.client.get(found["links"]["content"])
    file.unlink()
    told = await here.client.head(found["links"]["content"])

    assert (told.status_code, told.content) == (200, b"")
    for name in ("content-length", "content-type", "content-disposition", "etag"):
        assert told.headers[name] == got.headers[name]
    assert (await here.client.head(UNKNOWN + "/content")).status_code == 404


async def test_a_file_that_is_gone_is_told_before_the_answer_begins(here):
    found = await uploaded(here)
    (file,) = (here.settings.data_directory / "files").glob("??/*")
    file.unlink()
    response = await here.client.get(found["links"]["content"])

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
