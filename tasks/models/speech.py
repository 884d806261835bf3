"""What a model that answers in text is told, and how its answers are read: declared in a preset, the same for a network
that runs here (`hf-vlm`) and one behind a server (`openai-api`)."""

import re

from pydantic import BaseModel, ConfigDict

from benchmarks.errors import ModelError
from benchmarks.schema import Group, Instance, Prediction, Query, Unit
from tasks.model_args import ModelArgs
from tasks.models import box_text
from tasks.models.coordinates import ContractError, Convention, Picture

REGION = "<region>"
"""Where a task's prompt has it, the regions of the query are said, one after the other."""


class Prompts(BaseModel):
    """What is said for each kind of question; "" where the model was not made for it.

    `{prompt}` stands for the task's own wording, `{question}` for the annotated expression or question, `{categories}`
    for the names that an answer may use, `{region}` for the boxes that are asked about, in the model's convention.

    Attributes:
        text: a question that is answered in words.
        caption: a description of the whole image.
        box: one object by an expression.
        detect: all objects of the categories.
        region: a description of what a box marks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: str = "{prompt}"
    caption: str = "{prompt}"
    box: str = ""
    detect: str = ""
    region: str = ""


class Speech(BaseModel):
    """How a model is asked and understood.

    Attributes:
        prompts: what is said.
        convention: how it speaks boxes; None where it speaks none.
        between: text between two categories.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    prompts: Prompts = Prompts()
    convention: Convention | None = None
    between: str = ", "

    def units(self) -> tuple[Unit, ...]:
        """What it answers with."""
        boxes = self.convention is not None and bool(self.prompts.box or self.prompts.detect)
        return ("text", "box") if boxes else ("text",)

    def takes_regions(self) -> bool:
        """Whether boxes can be told to it, in its convention."""
        return self.convention is not None and bool(self.prompts.region)

    def refuse(self, query: Query, args: ModelArgs = ()) -> str:
        """Why it cannot answer a query; empty where it can."""
        if query.regions:
            if not self.takes_regions() or query.wants != "text":
                return "this model takes no visual prompts for such a question"
            other = next((region.kind for region in query.regions if region.box_xyxy is None), None)
            if other is not None:
                return f"this model is told regions as boxes, not as {other}s"
        return "" if self._template(query) else "the preset has no prompt for it: add one under `prompts`"

    def said(self, query: Query, picture: Picture) -> str:
        """The words of a question, with its regions in the declared convention.

        Raises:
            ModelError: see `refuse`.
        """
        if reason := self.refuse(query):
            raise ModelError(f"{query.sample_id}: {reason}")
        boxes = [region.box_xyxy for region in query.regions]
        convention = self.convention
        regions = [box_text.write(box, convention, picture) for box in boxes if box is not None and convention]
        if regions and REGION in query.prompt:
            said = query.prompt
            for region in regions:
                said = said.replace(REGION, region, 1)
            return said
        filled = {
            "{prompt}": query.prompt,
            "{question}": query.question,
            "{categories}": self.between.join(query.categories),
            "{region}": " ".join(regions),
        }
        return fill(self._template(query), filled)

    def heard(self, query: Query, picture: Picture, prompt: str, text: str) -> Prediction:
        """Read an answer. Without a box in the declared convention, where one is wanted, it is a parse error."""
        if query.wants == "text":
            return Prediction(query.sample_id, "ok", text, prompt)
        assert self.convention is not None
        try:
            found = box_text.boxes(text, self.convention, picture)
        except ContractError as error:
            return Prediction(query.sample_id, "parse_error", text, prompt, (), str(error))
        groups = tuple(
            Group(label if query.categories else query.question, "box", (Instance(box_xyxy=box),))
            for box, label in found
        )
        return Prediction(query.sample_id, "ok", text, prompt, groups)

    def _template(self, query: Query) -> str:
        prompts = self.prompts
        if query.wants == "box":
            return prompts.detect if query.categories and not query.question else prompts.box
        if query.regions:
            return prompts.region
        return prompts.text if query.question else prompts.caption


def fill(template: str, values: dict[str, str]) -> str:
    """Put values in the place of their names; what is filled in is never itself read as a template."""
    return re.sub("|".join(map(re.escape, values)), lambda place: values[place[0]], template)
