"""Options that the final evaluation and the sweep share."""

from typing import Literal, Self

from pydantic import BaseModel as PydanticModel
from pydantic import ConfigDict, Field

from ainl_align.config import default_base
from ainl_align.decoding.records import GenerationSettings
from ainl_align.evaluation.answer import AnswerSettings


class DecodingSettings(PydanticModel):
    """How programs are generated, repaired and judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_model: str = Field(default_factory=default_base, description="embedded name, folder or Hugging Face id")
    device: Literal["auto", "cuda", "mps", "cpu"] = Field("auto", description="auto: CUDA, then MPS, then CPU")
    limit: int | None = Field(
        None, ge=1, description="take only so many prompts of the set, spread over tiers and families"
    )
    max_new_tokens: int = Field(416, ge=1, description="generation budget in tokens")
    batch_size: int = Field(64, ge=1, description="prompts decoded together")
    constrained_decoding: bool = Field(True, description="mask tokens that cannot lead to a valid program")
    grounding: Literal["off", "prefer", "require"] = Field(
        "require", description="hold addresses and names of resources to the request's words"
    )
    loop_steps: int | None = Field(
        4, ge=2, description="close a program after so many steps in a row that do nothing new, as an untrained model's"
    )
    repair_attempts: int = Field(2, ge=0, le=10, description="tries to repair a program by its diagnostics")
    canonicalize_output: bool = Field(True, description="bring outputs into canonical form before they are judged")
    canonicalize_chunk_lines: int = Field(256, ge=1, description="lines canonicalised at a time")
    canonicalize_max_lines: int = Field(512, ge=1, description="most lines kept of one output")
    bucket_by_prompt_length: bool = Field(True, description="decode prompts of similar length together")
    emit_timing: bool = Field(True, description="report the time by phase")
    constraint_diagnostics: bool = Field(True, description="report the constraint's counters and alerts")
    quantization_mode: Literal["none", "dynamic-int8"] = Field("none", description="int8 weights, CPU only")
    heartbeat_seconds: float = Field(10.0, gt=0, description="longest silence between two lines of progress")
    generation_timeout_seconds: float | None = Field(None, gt=0, description="longest time for one prompt")

    def answering(self) -> AnswerSettings:
        """The same options as the answering code takes them."""
        return AnswerSettings(
            generation=GenerationSettings(
                max_new_tokens=self.max_new_tokens,
                constrained=self.constrained_decoding,
                batch_size=self.batch_size,
                bucket_by_prompt_length=self.bucket_by_prompt_length,
                timeout_seconds=self.generation_timeout_seconds,
                heartbeat_seconds=self.heartbeat_seconds,
                grounding=self.grounding,
                loop_steps=self.loop_steps,
            ),
            repair_attempts=self.repair_attempts,
            canonicalize_output=self.canonicalize_output,
            canonicalize_chunk_lines=self.canonicalize_chunk_lines,
            canonicalize_max_lines=self.canonicalize_max_lines,
        )

    @classmethod
    def shared(cls, other: Self) -> "DecodingSettings":
        """Only the shared options of a settings object that has more."""
        return DecodingSettings(**{name: getattr(other, name) for name in DecodingSettings.model_fields})
