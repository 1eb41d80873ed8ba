"""The chapters of the course by number."""

CHAPTERS = {
    0: "Start",
    1: "What a language model does",
    2: "From text to vectors",
    3: "Attention",
    4: "Choosing the next token",
    5: "Translation",
    6: "Asking a model",
    7: "How a model learns",
    8: "Models and their use",
}
