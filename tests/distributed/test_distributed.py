"""Several devices, and several workers on this machine and in network namespaces."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from helpers import environment, fail
from job import begin, data, numbers

import mxlinreg as mlr
from mxlinreg import distributed
from mxlinreg.distributed import job as job_of_a_worker
from mxlinreg.fitting.descent import Settings, descend
from mxlinreg.models import checkpoint
from mxlinreg.moments import triangular_moments
from mxlinreg.rows.arrays import ArrayRows

HERE = Path(__file__).parent
LAUNCH, TRAIN = ("-m", "mxlinreg", "launch"), ("-m", "mxlinreg", "train")


# Several devices in one process


@pytest.mark.parametrize("kvstore", ["local", "device"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [2, 7, 30])
def test_devices_equal_one(seed, kvstore, dtype, batch_size):
    X, y = mlr.synthetic(61, dtype=dtype)  # a last batch of 1 row, of fewer than the devices
    results = []
    for engine in ("autograd", distributed.device_engine(["cpu(0)", "cpu(1)", "cpu(2)"], kvstore)):
        seed(2)
        params = mlr.init_params(dtype=dtype)
        losses = mlr.train(params, mlr.ArrayLoader(X, y, batch_size), 3, 0.02, engine)
        results.append(numbers(params, losses))
        assert params[0].context == mx.cpu(0)
    np.testing.assert_allclose(*results, rtol=2e-6 if dtype == "float32" else 1e-13)


def test_devices_with_several_outputs_and_plain_batches(seed):
    X, Y = mx.nd.random_normal(shape=(10, 3)), mx.nd.random_normal(shape=(10, 2))
    batches = [(X[:4], Y[:4]), (X[4:], Y[4:])]
    results = []
    for engine in ("autograd", distributed.device_engine([mx.cpu(1), mx.cpu(0)])):
        seed(2)
        params = mlr.init_params(3, 2)
        results.append(numbers(params, mlr.train(params, batches, 4, 0.05, engine)))
    np.testing.assert_allclose(*results, rtol=2e-6)


def test_devices_that_diverge(seed):
    X, y = mlr.synthetic(20)
    params = w, b = mlr.init_params()
    before = w.asnumpy().tolist()
    with pytest.raises(mlr.DivergenceError, match="epoch 0"):
        mlr.train(params, mlr.ArrayLoader(X, y), 1, 1e9, distributed.device_engine(["cpu"] * 2))
    assert w.asnumpy().tolist() == before


def test_errors():
    with pytest.raises(ValueError, match="is empty; at least one device"):
        distributed.device_engine([])
    with pytest.raises(ValueError, match='"local" or "device"'):
        distributed.device_engine(["cpu"], "dist_sync")
    with pytest.raises(ValueError, match='"batch" or "epoch"'):
        distributed.engine(None, "never")
    with pytest.raises(ValueError, match="lacks 'DMLC_PS_ROOT_URI'; start it with mxlinreg launch"):
        with distributed.connect():
            pass


def test_servers_that_round_are_found_out(monkeypatch):
    """MXNet's may, by what they find in memory; the launcher starts them so that they do not."""
    monkeypatch.setattr(
        job_of_a_worker, "all_reduce", lambda kv, array, name: array.astype("float32")
    )
    with pytest.raises(ValueError, match="a server rounds float64"):
        job_of_a_worker._check_servers(types.SimpleNamespace(rank=0), 1)


def test_a_stock_loader_is_a_share(seed):
    """On a KVStore of this process alone, batch by batch, it trains as without one."""
    X, y = mlr.synthetic(30)
    dataset = mx.gluon.data.ArrayDataset(X, y)
    results = []
    for shared in (False, True):
        seed(3)
        loader = mx.gluon.data.DataLoader(dataset, batch_size=7, shuffle=True)
        params = mlr.init_params()
        kv = mx.kv.create("local")
        data = distributed.Share(kv, loader) if shared else loader
        engine = distributed.engine(kv, "batch") if shared else "autograd"
        results.append(numbers(params, mlr.train(params, data, 3, 0.02, engine)))
    np.testing.assert_allclose(*results, rtol=1e-5)


@pytest.mark.parametrize("solver", ["exact", "sgd"])
def test_a_streamed_table_is_a_share(solver, data):
    """Also with held-out rows, before anything has been read."""
    path, choices = data / "diabetes.csv", {"solver": solver, "stream": True, "validation": 0.2}
    shared = mlr.fit(path, "progression", **choices, kv=mx.kv.create("local"), sync="epoch")
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    rows = shared.metrics["training"]["rows"], shared.metrics["validation"]["rows"]
    assert sum(rows) == len(table) and abs(rows[1] - 0.2 * len(table)) < 30
    alone = mlr.fit(path, "progression", **choices)
    tolerance = {"exact": 1e-9, "sgd": 1e-3}[solver]
    assert shared.metrics["training"]["mse"] == pytest.approx(
        alone.metrics["training"]["mse"], rel=tolerance
    )


def test_a_share_is_not_trained_without_the_others():
    share = distributed.Share(mx.kv.create("local"), *mlr.synthetic(10))
    for engine in ("autograd", "compiled"):
        with pytest.raises(ValueError, match=r"own rows|this worker's rows only; give distributed"):
            mlr.train(mlr.init_params(), share, engine=engine)


def test_old_names_are_aliases():
    assert distributed.add_up is distributed.all_reduce
    assert distributed.gather is distributed.all_gather
    assert distributed.own_rows is distributed.shard
    assert distributed.part is distributed.shard_rows


@pytest.mark.parametrize("n", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("num_rows", [0, 1, 6, 7, 100])
def test_parts_cover_every_row_once(num_rows, n):
    parts = [range(num_rows)[distributed.shard_rows(num_rows, k, n)] for k in range(n)]
    assert [row for rows in parts for row in rows] == list(range(num_rows))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


# Several workers


def start(*arguments, **changes):
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**environment(), **changes},
    )  # fmt: skip


def output(process):
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


def messages(err):
    """The lines of stderr but the note that a machine's first run is compiled."""
    return [line for line in err.splitlines() if "compiling the training loop" not in line]


def results_of_job(folder, sizes, num_workers, *options):
    """For each number of rows, what each rank has found."""
    command = *LAUNCH, "-n", num_workers, *options, "--", sys.executable
    status, out, err = output(start(*command, HERE / "job.py", folder, *sizes))
    assert (status, out, messages(err)) == (0, "", [])
    return zip(*(json.loads((folder / f"{k}.json").read_text()) for k in range(num_workers)))


def batches_by_one_process(X, y, dtype):
    loader = mlr.ArrayLoader(X.astype(dtype), y.astype(dtype), batch_size=8)
    params = begin(dtype)
    return numbers(params, mlr.train(params, loader, 3, 0.05))


def averages_by_one_process(X, y, dtype, num_workers):
    """The averaging as the paper has it, by the chapter's loop."""
    average, losses = begin(dtype), []
    for _ in range(3):
        draw = int(np.random.randint(2**32, dtype=np.uint64))
        state, parts = np.random.get_state(), []
        for k in range(num_workers):
            rows = distributed.shard_rows(len(X), k, num_workers)
            if rows.start == rows.stop:
                continue
            params = [param.copy() for param in average]
            for param in params:
                param.attach_grad()
            loader = mlr.ArrayLoader(X[rows].astype(dtype), y[rows].astype(dtype), batch_size=8)
            np.random.seed([draw, k])
            loss = mlr.train_epoch(params, loader, 0.05)
            parts.append(len(loader.X) / len(X) * np.array(numbers(params, [loss])))
        np.random.set_state(state)
        loss, *w, b = sum(parts)
        losses.append(loss)
        average[0][:] = np.reshape(w, (-1, 1))
        average[1][:] = b
    return numbers(average, losses)


def check_training(results, X, y):
    """All ranks have the same, and the same as one process."""
    shares = [row for result in results for row in result.pop("rows")]
    assert shares == list(range(len(X)))
    assert all(result == results[0] for result in results)
    for dtype, rtol in (("float32", 1e-5), ("float64", 1e-12)):
        expected = batches_by_one_process(X, y, dtype)
        np.testing.assert_allclose(results[0][f"batch {dtype}"], expected, rtol=rtol)
        expected = averages_by_one_process(X, y, dtype, len(results))
        np.testing.assert_allclose(results[0][f"epoch {dtype}"], expected, rtol=rtol)
    assert results[0]["bytes"] == "00ff"


@pytest.mark.slow
@pytest.mark.parametrize("num_workers, options", [(1, ()), (2, ()), (4, ("-s", "2"))])
def test_workers_equal_one_process(tmp_path, num_workers, options):
    many, few = results_of_job(tmp_path, (103, 3), num_workers, *options)
    X, y = data(103)
    check_training(many, X, y)
    one = mlr.least_squares(X, y)
    expected = [
        *one.coefficients, *one.standard_errors, one.intercept, one.intercept_standard_error,
        one.num_rows, one.r_squared,
    ]  # fmt: skip
    np.testing.assert_allclose(many[0]["exact"], expected, rtol=1e-13)
    np.testing.assert_allclose(many[0]["powers"][:5], np.ones(5), rtol=1e-15)

    exact = np.append(one.coefficients, one.intercept)
    errors = np.append(one.standard_errors, one.intercept_standard_error)
    for name in ("batch", "epoch", "stream"):
        *found, converged = many[0][f"descent {name}"]
        off = np.abs(found[:4] - exact) / errors
        assert converged is True and off.max() <= 0.1 + 1e-6
        # The servers add the numbers of three workers or more in the order in which they come.
        rtol = 0 if num_workers < 3 else 1e-9
        np.testing.assert_allclose(many[0][f"resumed {name}"][:-1], found, rtol=rtol)

    check_training(few, *data(3))  # of which the fourth worker has none
    one = mlr.least_squares(*data(3), rank_deficient="minimum_norm")
    np.testing.assert_allclose(few[0]["exact"][:3], one.coefficients, rtol=1e-12)
    for name in ("batch", "epoch", "stream"):
        *found, converged = few[0][f"descent {name}"]
        np.testing.assert_allclose(found[:3], one.coefficients, rtol=1e-6)
        assert converged is True


def output_until(process, text):
    """The line of its stdout in which this pattern is found first."""
    for line in process.stdout:
        if re.search(text, line):
            return line
    raise AssertionError(f"{text!r} was never printed: {process.stderr.read()}")


def processes_of(port):
    """The processes of the job whose scheduler listens there, by role."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"DMLC_PS_ROOT_PORT={port}".encode() in variables:
            role = next(v[10:].decode() for v in variables if v.startswith(b"DMLC_ROLE="))
            found.setdefault(role, []).append(int(folder.name))
    return found


REPORT = "import os, time; print('port', os.environ['DMLC_PS_ROOT_PORT'], flush=True); "


def job_of(num_workers, program, *options):
    """A job whose workers are a small program without MXNet; and its port."""
    process = start(
        *LAUNCH, "-n", num_workers, *options, "--", sys.executable, "-c", REPORT + program
    )
    return process, int(output_until(process, "port").split()[-1])


def test_output_and_status(tmp_path):
    program = "import sys; print('é', file=sys.stderr); sys.exit(3)"
    process, port = job_of(1, program)
    status, _, err = output(process)
    assert status == 3 and not processes_of(port)
    assert err.splitlines() == [
        "worker 0: é",
        "mxlinreg launch: worker 0 failed with status 3; ending the others",
    ]
    process, port = job_of(2, "")
    assert output(process)[0] == 0 and not processes_of(port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_of_the_launcher_ends_all(number):
    process, port = job_of(2, "time.sleep(100)")
    process.send_signal(number)
    status, _, err = output(process)
    assert status == 128 + number and not processes_of(port)
    assert f"mxlinreg launch: interrupted by {number.name}" in err


def test_hosts_that_do_not_react_are_not_waited_for_one_by_one(tmp_path):
    """Each has PATIENCE seconds to end, and all the same ones."""
    (tmp_path / "hosts").write_text("# by address\n10.1.1.1\n")
    (tmp_path / "rsh").write_text("#!/bin/sh\necho started\nexec sleep 300\n")
    (tmp_path / "rsh").chmod(0o755)
    options = "--hosts", tmp_path / "hosts", "--rsh", tmp_path / "rsh"
    process = start(*LAUNCH, "-n", 6, *options, "--", "true")
    output_until(process, "worker 5: started")
    begin = time.monotonic()
    process.terminate()
    assert output(process)[0] == 143 and time.monotonic() - begin < 15


def test_a_file_of_hosts_that_cannot_be(tmp_path):
    for content, message in (("", "names no host"), ("a b\n", "'a b', which is not one host")):
        (tmp_path / "hosts").write_text(content)
        assert message in fail(1, "launch", "--hosts", tmp_path / "hosts", "--", "true")
    assert "--rsh goes with --hosts only" in fail(2, "launch", "--rsh", "ssh", "--", "true")


def test_a_killed_launcher_leaves_nothing():
    process, port = job_of(2, "time.sleep(100)")
    process.kill()
    output(process)
    end = time.monotonic() + 30
    while processes_of(port):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_nothing_listens_but_on_loopback():
    connect = "from mxlinreg.distributed import connect\nwith connect():\n "
    process, port = job_of(1, f"\n{connect}print('up', flush=True); time.sleep(100)")
    try:
        output_until(process, "up")
        own = {pid for pids in processes_of(port).values() for pid in pids}
        sockets = set()
        for pid in own:
            for link in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    sockets.add(os.readlink(link))
                except OSError:
                    continue
        listening = []
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    listening.append(fields[1].split(":")[0])
        assert len(listening) == 3 and set(listening) == {"0100007F"}
    finally:
        process.terminate()
        output(process)


def test_a_worker_gives_up(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        variables = {
            "DMLC_ROLE": "worker", "DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_NUM_WORKER": "1",
            "DMLC_NUM_SERVER": "1", "DMLC_NODE_HOST": "127.0.0.1",
            "DMLC_PS_ROOT_PORT": str(silent.getsockname()[1]),
        }  # fmt: skip
        command = *TRAIN, "--kvstore", "dist_sync", "--timeout", "1"
        status, out, err = output(start(*command, **variables))
        assert (status, out, len(err.splitlines())) == (1, "", 1)
        assert "scheduler at 127.0.0.1:" in err and "not be reached within 1 s: Conn" in err
        silent.listen()
        status, out, err = output(start(*command, **variables))
        assert (status, out, len(err.splitlines())) == (1, "", 1)
        assert "not all of 1 workers and 1 servers connected to the scheduler" in err


def checkpointed(path, *options):
    command = *LAUNCH, "-n", 2, "--", sys.executable, *TRAIN, "--kvstore", "dist_sync"
    settings = "--num-examples", 60, "--batch-size", 10, "--learning-rate", 1e-4, "--resume"
    return start(*command, *settings, "--checkpoint", path, *options)


def port_of(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        for grandchild in Path(f"/proc/{child}/task/{child}/children").read_text().split():
            text = Path(f"/proc/{grandchild}/environ").read_bytes().decode()
            found = re.search(r"DMLC_PS_ROOT_PORT=(\d+)", text)
            if found:
                return int(found[1])
    raise AssertionError("no process of the job")


@pytest.mark.slow
@pytest.mark.parametrize("sync, roles", [("batch", ["worker", "server"]), ("epoch", ["scheduler"])])
def test_killed_and_resumed(tmp_path, sync, roles):
    path, unbroken = tmp_path / "run.ckpt", tmp_path / "unbroken.ckpt"
    done = 0
    for role in roles:
        process = checkpointed(path, "--sync", sync, "--epochs", 10**7)
        output_until(process, f"Epoch {done + 2},")
        port = port_of(process)
        begin = time.monotonic()
        os.kill(processes_of(port)[role][-1], signal.SIGKILL)
        status, out, err = output(process)
        assert time.monotonic() - begin < 15
        assert status == 137 and f"mxlinreg launch: {role}" in err and "killed by SIGKILL" in err
        assert not processes_of(port)
        done = len(checkpoint.read_checkpoint(path)[0]["losses"])
    endings = []
    for name in (path, unbroken):
        status, out, err = output(checkpointed(name, "--sync", sync, "--epochs", done + 2))
        assert (status, messages(err)) == (0, [])
        endings.append(out.splitlines()[-4:])
        assert [file.name for file in tmp_path.glob(f"{name.stem}*")] == [name.name]
    assert endings[0] == endings[1] and path.read_bytes() == unbroken.read_bytes()


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], stderr=subprocess.PIPE, text=True)
    return done.stderr.strip() if done.returncode else ""


@pytest.fixture
def hosts():
    """Two network namespaces with a cable between them."""
    names = [f"mxlr{os.getpid()}{end}" for end in "ab"]
    steps = [("netns", "add", name) for name in names]
    steps.append(("link", "add", names[0], "type", "veth", "peer", "name", names[1]))
    for i, name in enumerate(names, 1):
        steps.append(("link", "set", name, "netns", name))
        steps.append(("-n", name, "addr", "add", f"10.213.7.{i}/24", "dev", name))
        steps += [("-n", name, "link", "set", device, "up") for device in ("lo", name)]
    try:
        for step in steps:
            try:
                problem = ip(*step)
            except FileNotFoundError:
                problem = "the program ip is not installed"
            if problem:
                pytest.skip(f"network namespaces cannot be made: {problem}")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)


@pytest.mark.slow
def test_several_hosts(tmp_path, hosts):
    file = tmp_path / "hosts"
    file.write_text("\n".join(hosts) + "\n")
    options = "-s", "2", "--hosts", file, "--rsh", "ip netns exec"
    (results,) = results_of_job(tmp_path, [20], 3, *options)
    check_training(results, *data(20))
    process, port = job_of(4, "os.system('hostname -I'); time.sleep(100)", *options[2:])
    output_until(process, "10.213.7.")
    process.terminate()
    assert output(process)[0] == 143 and not processes_of(port)


@pytest.mark.parametrize(
    "arguments, status, text",
    [
        (["--sync", "epoch"], 2, "--sync goes with --kvstore dist_sync only"),
        (["--timeout", "3"], 2, "--timeout goes with --kvstore dist_sync only"),
        (["--kvstore", "dist_sync", "--model-ctx", "cpu(0),cpu(1)"], 2, "one --model-ctx"),
        (["--engine", "compiled", "--model-ctx", "cpu(0),cpu(1)"], 2, "one device"),
        (["--model-ctx", "cpu(0),tpu"], 1, "'tpu' is not one of"),
        (["--kvstore", "dist_sync"], 1, "start it with mxlinreg launch"),
        (["--kvstore", "dist_sync", "--data", "x", "--target", "y", "--stream"], 2, "--sync epoch"),
    ],
)
def test_usage_errors(arguments, status, text):
    assert text in fail(status, "train", *arguments)


@pytest.mark.parametrize("sync", ["batch", "epoch"])
def test_a_fit_of_workers_draws_by_its_seed_alone(seed, sync):
    """Workers whose rows are in different orders would add up gradients of different batches."""
    X, y = (array.asnumpy() for array in mlr.synthetic(50, dtype="float64"))
    results = []
    for number in (1, 2):
        seed(number)
        share = distributed.Share(mx.kv.create("local"), ArrayRows(X, y))
        moments = triangular_moments(share.blocks())
        before = np.random.get_state()[1:3]
        done = descend(share, moments, Settings(epochs=3, tol=None, sync=sync, seed=5))
        after = np.random.get_state()[1:3]
        assert after[1] == before[1] and (after[0] == before[0]).all()
        results.append([*done.coefficients.ravel(), *done.intercept, *done.losses])
    assert results[0] == results[1]


class OtherThread:
    """A KVStore during whose exchanges another thread draws from NumPy's global generator."""

    def __init__(self, rank):
        self._kv, self.rank, self.num_workers = mx.kv.create("local"), rank, 1

    def pushpull(self, *arguments, **options):
        np.random.random(7)
        return self._kv.pushpull(*arguments, **options)

    def __getattr__(self, name):
        return getattr(self._kv, name)


@pytest.mark.parametrize("sync", ["batch", "epoch"])
def test_another_thread_does_not_change_the_order_within_an_epoch(seed, sync):
    """It is drawn from rank 0's state at the epoch's beginning; all workers have that state."""
    results = []
    for kv in (mx.kv.create("local"), OtherThread(0)):
        X, y = mlr.synthetic(50)
        params = mlr.init_params()
        seed(3)
        losses = [distributed.engine(kv, sync)(params, distributed.Share(kv, X, y), 0.02)]
        results.append([*numbers(params, losses), np.random.random()])
        seed(1)
    assert results[0] == results[1]


def test_arguments_of_exchanges():
    kv = mx.kv.create("local")
    with pytest.raises(ValueError, match="array: is a masked array"):
        distributed.all_gather(kv, np.ma.array([1.0, 2.0], mask=[True, False]))
    with pytest.raises(ValueError, match=r"array: is empty \(shape \(0,\)\)"):
        distributed.all_reduce(kv, [])
    with pytest.raises(TypeError, match="name: must be a str, not 3"):
        distributed.all_reduce(kv, [1.0], 3)
    with pytest.raises(TypeError, match="kv: expected a KVStore, as from connect, not 'local'"):
        distributed.Share("local", *mlr.synthetic(10))
    with pytest.raises(ValueError, match="k: must be at most 2, not 3"):
        distributed.shard_rows(10, 3, 3)
    with pytest.raises(ValueError, match=r"y: shape \(3,\) does not fit X of shape \(4, 2\)"):
        distributed.shard(kv, np.ones((4, 2)), np.ones(3))


@pytest.mark.parametrize("options", [(), ("--hosts", "hosts", "--rsh", "sh -c")])
def test_more_processes_than_ports(tmp_path, options, monkeypatch):
    """The ports are 10000 to 32767."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts").write_text("10.0.0.1\n")
    message = fail(1, "launch", "-n", 22_767, *options, "--", "true")
    assert "-n, -s: 22769 processes need a port each; only 22" in message


def test_devices_refuse_sparse_batches():
    """MXNet cannot slice those of kind row_sparse."""
    engine = distributed.device_engine(["cpu(0)", "cpu(1)"])
    batch = mx.nd.ones((4, 2)).tostype("row_sparse"), mx.nd.ones(4)
    with pytest.raises(TypeError, match=r"data: is sparse \(row_sparse\); give data.tostype"):
        engine(mlr.init_params(), [batch], 0.1)
