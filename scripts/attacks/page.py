"""The page of what is promised, with its tests, and of the last run of attack.py."""

from .children import TIMEOUT

PAGE = """\
# What you can rely on

Whatever happens while the package runs, its files are complete, its results are right, and what is
wrong is said in words. This page lists what is promised, each with its test, and what is not.

## Promises

{promises}

## What is not promised

- **Several machines.** The processes of a job connect to each other through ps-lite, which has no
  authentication: whoever reaches the ports of its servers and workers can run code there. On one
  machine they listen on the loopback address only. See [workers](workers.md#several-machines).
- **The order of two writers.** If two processes or threads write the same file, it has the complete
  content of one of them. Which one is not determined.
- **The two files of `export_symbol` as a pair.** Each is complete, but if the process is killed
  between them, one is older than the other. Export again.
- **A process that is killed** by SIGKILL, or that runs out of memory, may leave a temporary file,
  whose name begins with a dot and ends in `.tmp` or in `.tmp` and the ending of the file. The next
  writing of the same file removes it. `--plot FOLDER` makes the folder before the training, and
  leaves it if the training fails.
- **Values that change within a table.** CSV and Parquet files have no checksum of their own. If a
  digit changes, another number is read. (pyarrow can write checksums into the pages of a Parquet
  file, with `write_page_checksum`, but does not check them unless asked.) Saved models and
  checkpoints have checksums, and a damaged one is an error.
- **Memory.** With a limit to the address space (`ulimit -v`) MXNet needs 0.75 GB and 75 MB for each
  processor to train the chapter's model with `mxlinreg train`, 0.4 GB more with its default engine,
  and 0.4 GB more for tables and the compiled loop. With less the package refuses to begin, in one
  line, because MXNet would end with SIGABRT or SIGSEGV, or wait forever. An `import mxnet` of your
  own is not guarded in this way. A table streamed within less than 1.2 GB may hang in OpenBLAS. The
  chapter's job takes 0.2 GB of resident memory, with Numba 0.3 GB.

## Attacks

`scripts/attack.py` tries to break all of this: with damaged and forged files, odd arguments of
every public function, random command lines, signals at random moments, full and read-only disks,
links, several writers at once, and more than fifty surroundings, such as a closed stdout or another
user. A failure is a wrong result, an exception that is none of those promised, a crash, more than
{timeout} seconds, or a file that is left. This command takes ten minutes and writes this page. It
needs the extra `test`. Here it took {seconds} seconds, and drew with seed {seed}.

```sh
python scripts/attack.py --seed {seed} --json docs/reliability.json --output docs/reliability.md
```

{table}

{failures}
"""

# How kinds begin that count once more what other kinds count.
PARTIAL = "of these", "readings"

# Each promise, with the tests that would fail if it were broken.
PROMISES = {
    "A file is written completely or not at all. If the disk is full, a limit is reached or the "
    "process is killed, the older file is still there.": [
        "tests/test_files.py::test_a_file_is_replaced_as_a_whole",
        "tests/models/test_never_lost.py::test_a_write_that_fails_leaves_the_older_file",
        "tests/models/test_never_lost.py::test_a_full_disk",
        "tests/models/test_never_lost.py::test_a_read_only_folder",
        "tests/models/test_never_lost.py::test_two_hundred_kills",
    ],
    "Ctrl-C, SIGTERM and SIGHUP end a command with the status 128 and the signal's number, and one "
    "line. A training saves the model that it has reached, unless the mean predicts better, and "
    "leaves no temporary file.": [
        "tests/models/test_never_lost.py::test_signals",
        "tests/commands/test_commands.py::test_interrupt",
        "tests/commands/test_signals.py::test_a_signal_while_c_code_calls_python",
        "tests/commands/test_signals.py::test_a_signal_while_a_library_is_loaded",
        "tests/fitting/test_fit.py::test_an_interrupt_is_not_taken_for_a_bad_fit",
    ],
    "A training that is killed at any moment and resumed from its checkpoint ends with the same "
    "bits.": [
        "tests/training/test_checkpoints.py::test_killed_at_twenty_moments",
        "tests/training/test_checkpoints.py::test_a_resumed_training_ends_with_the_same_bits",
    ],
    "Temporary files that killed processes have left are removed by the next writing.": [
        "tests/test_files.py::test_what_killed_processes_have_left_is_removed",
    ],
    "If an output is a link, the file to which it leads is replaced, and the link stays. Circular "
    "links are an error.": [
        "tests/test_files.py::test_a_link_stays_and_its_file_is_replaced",
        "tests/test_files.py::test_circular_links",
    ],
    "A command's output never replaces its input.": [
        "tests/test_files.py::test_files_that_are_the_same",
        "tests/models/test_model.py::test_inputs_are_never_written_over",
        "tests/commands/test_commands.py::test_no_file_of_a_stream_is_written_over",
    ],
    "Any number of threads and processes can write one file, and it is complete at any moment.": [
        "tests/test_files.py::test_many_threads_write_one_file",
        "tests/models/test_never_lost.py::test_processes_that_save_one_model_at_once",
    ],
    "A damaged model or checkpoint is an error that names the file. It is never another model.": [
        "tests/models/test_saved_models.py::test_a_damaged_file_is_an_error_or_the_same_model",
        "tests/models/test_saved_models.py::test_damaged_pairs_of_version_0_1",
        "tests/training/test_checkpoints.py::test_damaged_checkpoints",
    ],
    "Files of strangers can be read: no code in them is executed, and what they say of their size "
    "is compared with the file before memory is allocated.": [
        "tests/models/test_params_file.py::test_many_mutated_files",
        "tests/models/test_params_file.py::test_odd_numbers_everywhere",
        "tests/models/test_params_file.py::test_bytes_that_reach_new_lines",
        "tests/models/test_saved_models.py::test_forged_descriptions",
        "tests/training/test_checkpoints.py::test_forged_checkpoints",
    ],
    "A table that is cut off, has rows of different lengths or is not UTF-8 is an error that names "
    "the file and the line. So is a damaged Parquet file, without a line.": [
        "tests/rows/test_reading.py::test_a_quote_that_is_not_closed",
        "tests/rows/test_reading.py::test_ragged_lines",
        "tests/rows/test_reading.py::test_encodings",
        "tests/rows/test_reading.py::test_damaged_parquet",
        "tests/fitting/test_fit.py::test_an_error_about_a_name_names_the_file",
    ],
    "`mxlinreg convert` writes a file only if onnxruntime computes from it what MXNet does.": [
        "tests/commands/test_convert.py::test_a_wrong_conversion_is_found",
        "tests/commands/test_convert.py::test_onnxruntime_reports_nothing_and_leaves_nothing",
    ],
    "Whatever a public function is given, its result is right, or a TypeError or ValueError names "
    "the argument. Hidden values of masked arrays and gaps are never used as numbers.": [
        "tests/test_checks.py::test_what_is_not_plain_numbers_is_refused",
        "tests/test_checks.py::test_gaps_of_nullable_columns",
        "tests/test_checks.py::test_sparse_arrays_of_mxnet",
        "tests/test_checks.py::test_huge_numbers",
        "tests/test_checks.py::test_other_parameters",
        "tests/test_checks.py::test_values_of_another_kind",
    ],
    "The results of a fit depend on its seed, not on what other threads draw from NumPy's global "
    "generator. Only the chapter's own shuffle draws from it.": [
        "tests/distributed/test_distributed.py::test_a_fit_of_workers_draws_by_its_seed_alone",
        "tests/distributed/test_distributed.py"
        "::test_another_thread_does_not_change_the_order_within_an_epoch",
    ],
    "The commands work, or say in one line why not, where standard streams are closed or full or "
    "know ASCII only, where data come from a pipe, and where memory is short. A model that was "
    "asked for is saved even if nothing can be printed.": [
        "tests/test_standard_streams.py::test_no_file_gets_the_number_of_a_closed_stream",
        "tests/commands/test_places.py::test_output_to_a_full_disk_is_one_line",
        "tests/commands/test_places.py::test_the_model_is_saved_even_if_printing_fails",
        "tests/commands/test_places.py::test_stdout_that_knows_ascii_only",
        "tests/commands/test_places.py::test_a_table_from_a_pipe",
        "tests/commands/test_places.py::test_memory_that_numpy_or_pyarrow_cannot_have",
        "tests/commands/test_places.py::test_too_little_address_space_for_mxnet",
    ],
    "A command ends with the status 0, with 1 after an error, or with 2 after an error in its "
    "arguments, and says what was wrong in one line.": [
        "tests/commands/test_commands.py::test_errors",
        "tests/commands/test_commands.py::test_usage_errors",
    ],
}


def page(record):
    return PAGE.format(
        promises="\n".join(promise(*item) for item in PROMISES.items()),
        timeout=TIMEOUT,
        seed=record["seed"],
        seconds=record["seconds"],
        table="\n".join(["| | tried | failed |", "|---|---:|---:|", *rows(record["parts"])]),
        failures=failures(record["parts"]),
    )


def promise(text, tests):
    links = []
    for test in tests:
        path, _, name = test.partition("::")
        links.append(f"[`{name}`](../{path})")
    return f"- {text}<br>\n  {', '.join(links)}"


def rows(parts):
    for part, record in parts.items():
        yield f"| **{part.replace('_', ' ')}** | | |"
        tried = sorted(record["tried"].items(), key=lambda item: item[0].startswith(PARTIAL))
        for kind, number in tried:
            failed = sum(failure["kind"] == kind for failure in record["failures"])
            yield f"| {kind} | {number} | {failed} |"
        for kind, reason in record["skipped"].items():
            yield f"| {kind} | not on this machine: {reason} | |"


def failures(parts):
    found = [
        f"- {failure['kind']}: `{' '.join(failure['what'].split())[:300]}`"
        for record in parts.values()
        for failure in record["failures"]
    ]
    return "\n".join(["Failures:", "", *found]) if found else "Nothing failed."
