"""Commands of the machine and operations of the ext adapter."""

from typing import Any

from ainl_align.language.world_model import Command
from ainl_align.tasks import store_names
from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, unguarded
from ainl_align.tasks.parts.conditions import ItemTest
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import ext


class RunCommand(Action):
    """A command, with its output or its exit code as a value when ``want`` says so."""

    call = "ext.EXEC"

    def __init__(self, ctx: Ctx, want: str = "") -> None:
        self.argv = store_names.command(ctx.names, ctx.rng.choice((0, 1, 1, 2)))
        self.target, self.want = self.argv[0], want
        if want == "output":
            self.gives = (Item("ext.output", ctx.phrase(ext.OUTPUT), "text"),)
        elif want == "code":
            self.gives = (Item("ext.code", ctx.phrase(ext.CODE), "num"),)
        self.kinds = frozenset({"http", "compute"} if want else {"http"})
        self.signature = f"run_{want or 'only'}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        result = block.call_verb("ext.EXEC", *self.argv, out="res", reuse=True)
        guard(block.last)
        for item in self.gives:
            path = "stdout" if self.want == "output" else "exit_code"
            known[item.key] = block.call_verb("core.GET", result, path, out="val")

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        return self.argv

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(ext.RUN, command=" ".join(self.argv))

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        if self.want == "output":
            texts = ("3 jobs done\n", "all 12 disks fine\n", "synced 40 files\n", "queue empty since noon\n")
            return {"ext.output": ctx.pick(texts)}
        return {"ext.code": ctx.pick((0, 0, 1, 2))} if self.want else {}

    def prepare(self, scene: Scene) -> None:
        output = scene.given.get("ext.output", "finished\n")
        code = scene.given.get("ext.code", 0)
        scene.commands.append(Command(argv=self.argv, stdout=output, exit_code=code, stderr="warn: x1\n"))

    def play(self, scene: Scene) -> None:
        super().play(scene)
        scene.values |= {item.key: scene.given[item.key] for item in self.gives}


class Operation(Action):
    """A named operation of the ext adapter with one payload."""

    call = "ext.OP"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.target, self.payload = store_names.operation(ctx.names), payload
        self._sign("operation", "http")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(ext.OPERATION, name=self.target, what=self.what(ctx))


class Succeeded(ItemTest):
    """Whether a command ended with exit code 0."""

    signature = "exit_ok"

    def __init__(self, item: Item) -> None:
        self.item = item

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return block.call_verb("core.EQ", known[self.item.key], 0, out="hit")

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        return ctx.phrase(ext.SUCCEEDED)

    def holds(self, value: Any) -> bool:
        return bool(value == 0)

    def cases(self) -> list[Any]:
        return [0, 1, 10]
