"""`gradserve train`: from a table to true weights, what it writes, how it goes on."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from safetensors.numpy import load_file

from service.__main__ import main
from service.commands.loss_curve import HEIGHT, WIDTH, drawn
from service.commands.train_progress import ProgressLine
from service.training.runs import Progress

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["sqm", "age", "price"]
WEIGHTS, BIAS = [1500.0, -800.0], 30_000.0


@pytest.fixture
def train(monkeypatch, capfdbinary, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gradserve", "train", *map(str, arguments)])
        with pytest.raises(SystemExit, match=r"^[02]$") as ended:
            main()
        output, errors = capfdbinary.readouterr()
        return ended.value.code, output.decode(), errors.decode()

    return run


@pytest.fixture
def houses(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.uniform([40, 0], [200, 60], size=(300, 2))
    values = np.column_stack((x, x @ WEIGHTS + BIAS))
    path = tmp_path / "houses.csv"
    save(path, values, NAMES)
    np.save(tmp_path / "houses.npy", values)
    np.savez(tmp_path / "houses.npz", **dict(zip(NAMES, values.T, strict=True)))
    table = pa.table(dict(zip(NAMES, values.T, strict=True)))
    pyarrow.parquet.write_table(table, tmp_path / "houses.parquet")
    return path


def save(path, values, names):
    np.savetxt(path, values, delimiter=",", header=",".join(names), comments="", fmt="%.17g")


def read(path):
    return json.loads(Path(path).read_text())


@pytest.mark.parametrize("ending", ["csv", "npz", "parquet"])
def test_a_neuron_finds_the_true_weights_in_the_datas_own_units(train, houses, ending):
    code, output, errors = train(
        houses.with_suffix(f".{ending}"), "--target", "price", "--out", "w.json"
    )

    found = read("w.json")
    assert code == 0
    np.testing.assert_allclose(found["parameters"]["weights"], WEIGHTS, rtol=1e-6)
    np.testing.assert_allclose(found["parameters"]["bias"], BIAS, rtol=1e-6)
    assert found["model"]["inputs"] == ["sqm", "age"]
    assert re.search(r"^rows +300 to train on$", output, re.M)
    assert re.search(r"^  sqm +1500$", output, re.M)
    assert re.search(r"^  bias +30000$", output, re.M)
    assert "loss, log scale" in output
    assert errors.startswith("epoch 10/100  loss ")
    assert errors.count("\n") == 10


def test_the_columns_of_an_npy_file_have_names_too(train, houses):
    code, _, errors = train(houses.with_suffix(".npy"), "--target", "prise", "--quiet")

    assert code == 2
    (first, *_), _ = re.findall(r"'([^']+)'", errors.split("columns: ")[1]), errors
    assert train(houses.with_suffix(".npy"), "--target", first, "--quiet")[0] == 0


def test_a_logistic_neuron_is_fitted(train, tmp_path):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(500, 2)) * [10, 1] + [50, 0]
    ill = (rng.random(500) < 1 / (1 + np.exp(-(x - [50, 0]) @ [0.2, -1.5]))).astype(float)
    save(tmp_path / "ill.csv", np.column_stack((x, ill)), ["age", "dose", "ill"])
    flags = ["--loss", "binary_cross_entropy", "--batch-size", "all", "--epochs", "3000"]

    train(tmp_path / "ill.csv", "--target", "ill", *flags, "--out", "w.json", "--quiet")

    found = read("w.json")
    weights, bias = found["parameters"]["weights"], found["parameters"]["bias"]
    p = 1 / (1 + np.exp(-(x @ weights + bias)))
    assert found["model"]["layers"][0]["activation"] == "sigmoid"
    # At the minimum the errors are orthogonal to the inputs and add up to 0.
    assert np.abs((p - ill) @ ((x - x.mean(axis=0)) / x.std(axis=0))).max() / 500 < 1e-6
    assert abs(np.mean(p - ill)) < 1e-6


@pytest.mark.parametrize(
    ("flags", "loss"),
    [
        (["--loss", "binary_cross_entropy", "--hidden", "8"], "binary_cross_entropy"),
        (["--loss", "bce", "--hidden", "8,8", "--hidden-activation", "tanh"], "binary_cross"),
        (["--loss", "cross_entropy"], "cross_entropy"),
    ],
)
def test_a_network_learns_xor(train, tmp_path, flags, loss):
    (tmp_path / "xor.csv").write_text("a,b,xor\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")

    code, output, _ = train(
        "xor.csv", "--target=xor", "--model=network", "--epochs=800", *flags, "--out=w.json"
    )

    assert code == 0
    assert read("w.json")["loss"] < 0.01
    assert read("w.json")["model"]["loss"].startswith(loss)
    assert re.search(r"^  weights_0 +2 × \d+$", output, re.M)


def test_an_expression_is_minimised(train, houses):
    code, output, _ = train(
        houses,
        "--expression=mean((price / 100000 - X / 100 @ w - b)**2)",
        "--column=X=sqm,age",
        "--parameter=w=zeros:2",
        "--parameter=b=0.5",
        "--epochs=400",
        "--out=w.json",
    )

    found = read("w.json")["parameters"]
    assert code == 0
    np.testing.assert_allclose(found["w"], np.array(WEIGHTS) / 1000, rtol=1e-4)
    np.testing.assert_allclose(found["b"], BIAS / 100_000, rtol=1e-4)
    assert re.search(r"^  w\[0\] +1\.5", output, re.M)


def test_weights_and_history_are_written_in_each_format(train, houses):
    for ending in ("json", "npz", "safetensors"):
        train(houses, "--target=price", "--epochs=3", f"--out=w.{ending}", "--quiet")
    for ending in ("csv", "json"):
        train(
            houses,
            *("--target=price", "--epochs=3", "--validation-fraction=0.2", "--quiet"),
            f"--history=h.{ending}",
        )

    as_json = read("w.json")["parameters"]
    with np.load("w.npz") as archive:
        as_npz = dict(archive)
    as_safetensors = load_file("w.safetensors")
    for name in ("weights", "bias"):
        assert np.array_equal(as_npz[name], as_json[name])
        assert np.array_equal(as_safetensors[name], as_json[name])
        assert as_safetensors[name].shape == as_npz[name].shape == np.shape(as_json[name])
    lines = list(csv.DictReader(Path("h.csv").read_text().splitlines()))
    assert [{k: float(v) for k, v in line.items()} for line in lines] == read("h.json")
    assert [line["epoch"] for line in lines] == ["1", "2", "3"]
    assert float(lines[-1]["validation_loss"]) > 0


def test_a_run_goes_on_to_more_epochs_with_the_same_bits(train, houses):
    task = [houses, "--target=price", "--validation-fraction=0.1", "--quiet"]
    train(*task, "--epochs=7", "--out=whole.json", "--history=whole.csv")

    train(*task, "--epochs=3", "--checkpoint=run.ckpt")
    train(
        *task,
        *("--epochs=7", "--checkpoint=run.ckpt", "--resume", "--out=parts.json"),
        "--history=parts.csv",
    )

    assert read("parts.json") == read("whole.json")
    assert Path("parts.csv").read_text() == Path("whole.csv").read_text()


def test_ctrl_c_keeps_a_checkpoint_and_the_run_goes_on_with_the_same_bits(houses, tmp_path):
    def command(*flags):
        return [
            *(sys.executable, "-m", "service", "train", str(houses), "--target=price"),
            *("--batch-size=1", "--epochs=400", "--optimizer=rmsprop", *flags),
        ]

    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    how = {"cwd": tmp_path, "env": environment, "text": True}
    subprocess.run(
        command("--out=whole.json", "--quiet"), **how, check=True, capture_output=True
    )
    started = subprocess.Popen(
        command("--checkpoint=run.ckpt"), **how, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert started.stderr.readline().startswith("epoch 40/400")
    started.send_signal(signal.SIGINT)
    output, errors = started.communicate(timeout=60)

    resumed = subprocess.run(
        command("--checkpoint=run.ckpt", "--resume", "--out=parts.json"),
        **how,
        check=True,
        capture_output=True,
    )

    assert started.returncode == 130
    assert "interrupted: the same command with --resume goes on from run.ckpt" in errors
    assert re.search(r"^stopped +after .*: interrupted$", output, re.M)
    assert resumed.returncode == 0
    assert read(tmp_path / "parts.json") == read(tmp_path / "whole.json")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--target: found none, expected the name of a column"),
        (
            ["--target=prise"],
            "--target: unknown column 'prise'; did you mean 'price'? "
            "(columns: 'sqm', 'age', 'price')",
        ),
        (["--target=price", "--inputs=sqm,agee"], "--inputs: unknown column 'agee'; did you"),
        (["--target=price", "--inputs=sqm,,age"], "--inputs: found an empty name, expected"),
        (
            ["--target=price", "--inputs=price"],
            "--target: found column 'price' in targets, but",
        ),
        (["--target=price", "--loss=msee"], "(did you mean 'mse'?)"),
        (
            ["--target=price", "--loss=huber:delta"],
            "--loss: found 'delta', expected KIND:NAME=",
        ),
        (
            ["--target=price", "--loss=huber:delta=x"],
            "--loss delta: found 'x', expected a numb",
        ),
        (
            ["--target=price", "--loss=huber:d=1"],
            "loss huber: found option 'd', expected delta",
        ),
        (
            ["--target=price", "--loss=binary_cross_entropy"],
            "targets: row 1, column 'price', is ",
        ),
        (["--target=price", "--loss=bce"], "takes a probability from 0 to 1"),
        (["--target=price", "--activation=rellu"], "(did you mean 'relu'?)"),
        (["--target=price", "--optimizer=adamm"], "(did you mean 'adam'?)"),
        (
            ["--target=price", "--optimizer=momentum", "--optimizer-option=momentum=1.5"],
            "optimizer momentum: found momentum 1.5, expected a number at least 0 and below 1",
        ),
        (
            ["--target=price", "--optimizer-option=beta1"],
            "--optimizer-option: found 'beta1', e",
        ),
        (["--target=price", "--schedule=cosin"], "(did you mean 'cosine'?)"),
        (["--target=price", "--initializer=he_norml"], "(did you mean 'he_normal'?)"),
        (
            ["--target=price", "--learning-rate=-1"],
            "'--learning-rate': -1.0 is not in the range",
        ),
        (["--target=price", "--epochs=0"], "'--epochs': 0 is not in the range"),
        (
            ["--target=price", "--batch-size=some"],
            "--batch-size: found 'some', expected a numbe",
        ),
        (
            ["--target=price", "--batch-size=301"],
            "batch_size: found 301, expected between 1 and 300, the number of rows to train on",
        ),
        (
            ["--target=price", "--validation-fraction=0.001"],
            "validation_fraction: found 0.001, which leaves none of the 300 rows to valid",
        ),
        (["--target=price", "--hidden=3"], "model neuron: found hidden layers, expected none"),
        (
            ["--target=price", "--model=network", "--hidden=3,x"],
            "--hidden: found '3,x', expect",
        ),
        (
            ["--target=price", "--model=network", "--hidden=0"],
            "hidden: found a layer of 0 units",
        ),
        (["--target=price,age"], "model neuron: found several targets, expected one target of"),
        (["--target=price", "--model=expression"], "--model expression: found no --expression"),
        (
            ["--target=price", "--parameter=w=zeros"],
            "--parameter: found no --expression, expec",
        ),
        (
            ["--target=price", "--expression=w"],
            "--target: found an expression, expected a neur",
        ),
        (["--model=neuron", "--expression=w"], "--expression: found --model neuron beside it"),
        (["--expression=mean(w * age)"], "--parameter: found none, expected at least one"),
        (
            ["--expression=mean(w * aeg * sqm)", "--parameter=w=zeros"],
            "unknown name 'aeg' at 9–12\nline 1, column 10\nmean(w * aeg * sqm)\n         ^^^\n"
            "(did you mean the column 'age'?)",
        ),
        (
            ["--expression=mean(w * aeg)", "--parameter=w=zeros"],
            "found no column of the data in the expression, expected at least one "
            "(columns: 'sqm', 'age', 'price')",
        ),
        (
            ["--expression=mean(w * age", "--parameter=w=zeros"],
            "unclosed '(' opened at 4; expected ')'\nline 1, column 5\nmean(w * age\n    ^",
        ),
        (
            ["--expression=mean(X @ w)", "--parameter=w=zeros:3", "--column=X=sqm,age"],
            "cannot multiply X (300×2) by w (3): the inner dimensions 2 and 3 differ",
        ),
        (
            ["--expression=mean(X @ w)", "--parameter=w=zeros:2", "--column=X=sqm,agee"],
            "--column: unknown column 'agee'; did you mean 'age'?",
        ),
        (
            ["--expression=w * age", "--parameter=w=zeros"],
            "a loss is a scalar, not of shape (3",
        ),
        (["--expression=mean(w * age)", "--parameter=w=zeroes"], "(did you mean 'zeros'?)"),
        (
            ["--expression=w", "--parameter=w=zeros:a"],
            "--parameter w: found the sizes 'a', expe",
        ),
        (["--expression=w", "--parameter=w=[1"], "--parameter w: found '[1', expected numbers"),
        (["--expression=w", "--parameter=w"], "--parameter: found 'w', expected NAME=zeros:SI"),
        (
            ["--expression=w", "--parameter=w=ones", "--parameter=w=ones"],
            "--parameter: found 'w' twice, expected each name once",
        ),
        (
            ["--target=price", "--out=w.txt"],
            "--out: found 'w.txt', expected a name that ends in",
        ),
        (
            ["--target=price", "--out=no/w.npz"],
            "--out: file 'no/w.npz': no such file or direct",
        ),
        (
            ["--target=price", "--history=h.txt"],
            "--history: found 'h.txt', expected a name that",
        ),
        (
            ["--target=price", "--resume"],
            "--resume: found no --checkpoint, expected the file to",
        ),
        (
            ["--target=price", "--resume", "--checkpoint=none"],
            "--checkpoint: file 'none': no such file or directory",
        ),
        (
            ["--target=price", "--checkpoint=houses.csv"],
            "--checkpoint: file 'houses.csv': is there already, expected --resume to go on fr",
        ),
        (
            ["--target=price", "--checkpoint=houses.csv", "--resume"],
            "file 'houses.csv': checkpoint: found no checkpoint of gradserve",
        ),
    ],
    ids=str,
)
def test_a_mistake_is_a_clear_text_and_code_two(train, houses, flags, message):
    code, output, errors = train(houses, *flags)

    assert (code, output) == (2, "")
    assert errors.startswith("gradserve: ")
    assert message in errors
    assert errors.count("\n") == 1 or "line 1, column" in errors


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found an empty file, expected a line with names of columns"),
        ("a,b\n", "found no row of data, expected at least one"),
        (
            "a,b\n1,2\n3,x\n",
            "row 2 (line 3), column 'b' (2 of 2): found 'x', expected a number",
        ),
        ("a,b\n1,2\n3,inf\n", "'b' (2 of 2): "),
    ],
    ids=str,
)
def test_a_bad_table_is_told_with_its_file_and_row(train, tmp_path, content, message):
    (tmp_path / "t.csv").write_text(content)

    code, _, errors = train("t.csv", "--target=b")

    assert code == 2
    assert errors.startswith("gradserve: file 't.csv': ")
    assert message in errors


def test_a_file_that_is_not_there_is_told(train):
    assert train("no.csv", "--target=b") == (
        2,
        "",
        "gradserve: file 'no.csv': no such file or directory\n",
    )


def test_a_divergence_is_told_with_its_step_and_the_last_weights_are_kept(train, houses):
    flags = ["--optimizer=sgd", "--learning-rate=100", "--out=w.json", "--history=h.csv"]

    code, output, errors = train(houses, "--target=price", "--quiet", *flags)

    assert (code, output) == (2, "")
    assert re.match(
        r"gradserve: the loss is not finite in epoch \d+, step \d+; the last finite loss "
        r"is \S+, the parameters before it are kept in 'w.json' \(take a smaller learning rate",
        errors,
    )
    assert np.isfinite(read("w.json")["parameters"]["weights"]).all()
    assert Path("h.csv").read_text().startswith("epoch,loss,validation_loss,")


def test_the_checkpoint_of_another_run_is_refused(train, houses):
    train(houses, "--target=price", "--epochs=2", "--checkpoint=run.ckpt", "--quiet")

    code, _, errors = train(
        houses, "--target=price", "--seed=1", "--checkpoint=run.ckpt", "--resume"
    )

    assert code == 2
    assert "checkpoint: found one of another run, whose " in errors


def test_a_schedule_may_follow_a_warm_up(train, houses):
    flags = ["--schedule=warmup:steps=5+cosine", "--epochs=4", "--history=h.json", "--quiet"]

    train(houses, "--target=price", *flags)

    rates = [line["learning_rate"] for line in read("h.json")]
    assert rates == pytest.approx([0.01, 0.00853553, 0.005, 0.00146447], rel=1e-5)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_one_line_is_drawn_anew_and_wiped():
    stream = Terminal()
    line = ProgressLine(stream)

    for epoch in (1, 2):
        line.show(Progress(epoch, 4, 0, 10, 0.5, None, 1234.0, 75.0), 0.25)
    line.close()

    drawings = stream.getvalue().split("\r\x1b[K")
    assert drawings == [
        "",
        "[#####---------------] epoch 1/4  loss 0.25  1,234 rows/s  1:15 left",
        "[##########----------] epoch 2/4  loss 0.25  1,234 rows/s  1:15 left",
        "",
    ]


def test_a_curve_falls_from_its_first_to_its_last_label():
    text = drawn([2.0**-k for k in range(20)], title="loss", axis="epoch")

    title, *rows, axis, labels = text.split("\n")
    assert title == "loss, log scale"
    assert len(rows) == HEIGHT
    assert rows[0].startswith("       1 ┤")
    assert rows[-1].startswith("1.91e-06 ┤")
    assert len(axis) == len(labels) == len(rows[-1]) == WIDTH + 10
    columns = [min(k for k, c in enumerate(row[10:]) if c != " ") for row in rows]
    assert columns == sorted(columns)
    assert labels.split() == ["epoch", "1", "20"]


def test_a_curve_is_plain_where_there_is_no_braille_and_none_of_one_value():
    assert drawn([1.0], title="loss", axis="epoch") == ""
    assert drawn([3.0, 3.0], title="loss", axis="epoch", is_plain=True).isascii()
