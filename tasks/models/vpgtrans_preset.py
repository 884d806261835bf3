"""What a preset of VPGTrans says: sizes, files, words and decoding. `configs/models/vpgtrans/*.yaml`."""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.models.families import Preset

if TYPE_CHECKING:
    from transformers import Blip2Config, PreTrainedConfig


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class VisionSizes(_Section):
    """The frozen vision transformer; by default EVA-CLIP's ViT-g without its last block."""

    width: int = 1408
    layers: int = 39
    heads: int = 16
    mlp_width: int = 6144
    image_size: int = 224
    patch_size: int = 14


class QFormerSizes(_Section):
    """The Q-Former; by default of BERT-base's shape, with 32 learned queries."""

    width: int = 768
    layers: int = 12
    heads: int = 12
    mlp_width: int = 3072
    queries: int = Field(default=32, ge=1)


class Decoding(_Section):
    """How an answer is searched for; a task's limit on tokens goes below `max_new_tokens`, never above."""

    beams: int = Field(ge=1)
    max_new_tokens: int = Field(ge=1)
    min_new_tokens: int = Field(ge=1)
    length_penalty: float


class VpgTransPreset(Preset):
    """One model.

    Attributes:
        trained: files of the trained parts, in the folder of the weights, as VPGTrans saves them: one, or that of a
            BLIP-2 model whose generator is taken and one with the projector alone.
        llm: folder of the language model and its tokenizer, below the same folder.
        vision: folder of a BLIP-2 model of transformers, or a file (`*.pth`) in LAVIS' naming, below the same folder.
        layout: where the visual tokens stand. `visual_first`: before the token of beginning and all words, as in
            training; `chat`: within the words of the human in a dialogue of `###Human` and `###Assistant`.
        question, caption: what is said when something is asked and when nothing is; `{question}` is the question as
            annotated and `{prompt}` the task's whole prompt.
        clean_question: write the question as LAVIS feeds it: lower case, without `. ! " ( ) * # : ; ~`, 50 words.
        stop: text that ends an answer, itself left out.
        answer, describe: decoding where something is asked and where nothing is.
        vision_sizes, qformer_sizes: of what the files hold; the language model's stand in its own configuration.
    """

    trained: list[str]
    llm: str = "llm"
    vision: str = "vit"
    layout: Literal["visual_first", "chat"]
    question: str
    caption: str
    clean_question: bool = False
    stop: str
    answer: Decoding
    describe: Decoding
    vision_sizes: VisionSizes = VisionSizes()
    qformer_sizes: QFormerSizes = QFormerSizes()

    def blip2_config(self, llm: "PreTrainedConfig", image_token: int) -> "Blip2Config":
        """The same architecture as transformers has it, around the configuration of a language model.

        Args:
            llm: its configuration.
            image_token: id whose places the visual tokens take.
        """
        from transformers import Blip2Config, Blip2QFormerConfig, Blip2VisionConfig

        vision, qformer = self.vision_sizes, self.qformer_sizes
        return Blip2Config(
            vision_config=Blip2VisionConfig(
                hidden_size=vision.width,
                num_hidden_layers=vision.layers,
                num_attention_heads=vision.heads,
                intermediate_size=vision.mlp_width,
                image_size=vision.image_size,
                patch_size=vision.patch_size,
            ).to_dict(),
            qformer_config=Blip2QFormerConfig(
                hidden_size=qformer.width,
                num_hidden_layers=qformer.layers,
                num_attention_heads=qformer.heads,
                intermediate_size=qformer.mlp_width,
                encoder_hidden_size=vision.width,
                cross_attention_frequency=2,
            ).to_dict(),
            text_config=llm.to_dict(),
            num_query_tokens=qformer.queries,
            image_token_index=image_token,
        )
