"""Commands and operations of the ext adapter. Slots: ``command``, ``name``, ``what`` (a payload)."""

from ainl_align.tasks.wording.pool import Pool

RUN = Pool(
    train=(
        'run the command "{command}"',
        'execute "{command}"',
        'run "{command}" as a command',
        'start the command "{command}"',
        'exec "{command}"',
        'call the command line "{command}"',
        'run the shell command "{command}"',
        'launch the program "{command}"',
        'do a run of the command "{command}"',
    ),
    held=(
        'have the command "{command}" run',
        'kick off "{command}" on the command line',
        'invoke the command "{command}"',
        'let the machine run "{command}"',
        'fire up the program "{command}"',
        'perform the command "{command}"',
    ),
)
OPERATION = Pool(
    train=(
        "call the ext operation {name} with {what}",
        "trigger the ext operation {name} with {what}",
        "run ext operation {name} on {what}",
        "use the ext operation {name} for {what}",
        "pass {what} to the ext operation {name}",
        "send {what} to ext operation {name}",
        "give {what} to the ext operation {name}",
        "ext op {name} with {what}",
    ),
    held=(
        "hand {what} to the {name} operation of ext",
        "let the ext operation {name} take {what}",
        "fire the ext operation {name}, giving it {what}",
        "invoke ext operation {name} on {what}",
        "start {name}, an ext operation, with {what}",
    ),
)
OUTPUT = Pool(
    train=("its output", "the output", "what it prints", "the command's output", "its stdout"),
    held=("the text it prints", "the printed output", "what comes out on stdout"),
)
CODE = Pool(
    train=("the exit code", "its exit code", "the exit status"),
    held=("the code it exits with", "the exit code of the run"),
)
SUCCEEDED = Pool(
    train=(
        "the exit code is 0",
        "it exits with 0",
        "its exit code is 0",
        "the command succeeds (exit code 0)",
        "it ends with exit code 0",
    ),
    held=("the run ends in code 0", "it comes back with exit code 0", "0 is the exit code"),
)
