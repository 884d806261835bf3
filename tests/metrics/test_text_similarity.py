import pytest

from metrics.errors import DataError
from metrics.text_similarity import bert, jaccard


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [("a dog", "A dog", 1.0), ("a dog", "a cat", 1 / 3), ("dog", "cat", 0.0), ("", "", 0.0), ("a a dog", "dog a", 1.0)],
)
def test_jaccard_counts_common_words(first, second, share):
    assert jaccard(first, second) == jaccard(second, first) == pytest.approx(share)


def test_bert_compares_mean_states_of_a_local_model(tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "dog", "cat"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(vocab={word: i for i, word in enumerate(words)}).save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    model = transformers.BertModel(config).eval()
    model.save_pretrained(tmp_path)
    similarity = bert(tmp_path)

    def embed(*ids):
        with torch.inference_mode():
            return model(torch.tensor([[2, *ids, 3]])).last_hidden_state[0].mean(0).double()

    want = torch.nn.functional.cosine_similarity(embed(5, 6, 7), embed(5, 8), dim=0)
    # 1e-6: the model computes in single precision
    assert similarity("a red dog", "a cat") == pytest.approx(float(want), abs=1e-6)
    assert similarity("a dog", "a dog") == pytest.approx(1.0)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(DataError, match="holds no BERT model"):
        bert(tmp_path)
