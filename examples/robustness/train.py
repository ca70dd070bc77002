"""Train the small classifier of texts: a tokenizer (WordPiece) and one layer of a transformer.

Needs torch, onnx and tokenizers; `python mails.py` first.
"""

import csv
import sys

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
LONGEST, WIDTH = 64, 32
CLASSES = ["attack", "benign"]


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], torch.tensor([CLASSES.index(row["label"]) for row in rows])


def tokenizer(texts, out):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tok.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=600, special_tokens=special))
    tok.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tok.enable_truncation(LONGEST)
    tok.enable_padding(pad_id=0, pad_token="[PAD]")
    tok.save(out, pretty=False)
    return tok


class Guard(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.tokens = nn.Embedding(tokens, WIDTH)
        self.places = nn.Embedding(LONGEST, WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.out = nn.Linear(WIDTH, len(CLASSES))
        self.drop = nn.Dropout(0.1)

    def forward(self, input_ids, attention_mask):
        x = self.tokens(input_ids) + self.places.weight[: input_ids.shape[1]]
        x = self.drop(x)
        far = (1.0 - attention_mask.to(x.dtype))[:, None, :] * -1e9
        near = self.query(x) @ self.key(x).transpose(1, 2) / WIDTH**0.5 + far
        x = self.first(x + self.mix(near.softmax(-1) @ self.value(x)))
        x = self.second(x + self.narrow(torch.relu(self.wide(x))))
        mask = attention_mask.to(x.dtype)[:, :, None]
        return self.out((x * mask).sum(1) / mask.sum(1))


def main(folder):
    texts, labels = read("guard.train.csv")
    tok = tokenizer(texts, f"{folder}/guard.tokenizer.json")
    encode = lambda texts: [torch.tensor(part) for part in zip(*[(e.ids, e.attention_mask) for e in tok.encode_batch(texts)])]
    model = Guard(tok.get_vocab_size())
    optimiser = torch.optim.Adam(model.parameters(), 3e-3, weight_decay=1e-5)
    for epoch in range(12):
        for batch in torch.randperm(len(texts)).split(64):
            ids, mask = encode([texts[at] for at in batch])
            loss = nn.functional.cross_entropy(model(ids, mask), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    model.eval()
    texts, labels = read("guard.csv")
    ids, mask = encode(texts)
    print("clean accuracy", (model(ids, mask).argmax(1) == labels).float().mean().item())
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(model, (ids[:2], mask[:2]), f"{folder}/guard.onnx", dynamo=False, opset_version=17,
                      input_names=["input_ids", "attention_mask"], output_names=["logits"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "batch"}})


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
