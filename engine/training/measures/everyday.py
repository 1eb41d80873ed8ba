"""Thirty everyday French sentences, written before training and never trained on.

Each has one good English translation beside it for the reader of the model card; whether a
model's own words mean the same is judged by reading them, not by comparing strings.
"""

from __future__ import annotations

SENTENCES: tuple[tuple[str, str], ...] = (
    ("Bonjour, comment allez-vous aujourd'hui ?", "Hello, how are you today?"),
    ("Bonne nuit, à demain matin !", "Good night, see you tomorrow morning!"),
    ("Je suis ravi de faire votre connaissance.", "I am delighted to meet you."),
    ("Merci beaucoup pour votre aide.", "Thank you very much for your help."),
    ("Il fait très froid ce matin.", "It is very cold this morning."),
    ("Je crois qu'il va pleuvoir cet après-midi.", "I think it will rain this afternoon."),
    ("Le soleil brille et le ciel est bleu.", "The sun is shining and the sky is blue."),
    ("Mon frère est dans la même classe que moi.", "My brother is in the same class as me."),
    ("Le professeur explique la leçon aux élèves.", "The teacher explains the lesson."),
    ("J'ai oublié mon livre à la maison.", "I forgot my book at home."),
    ("Les enfants jouent dans la cour de l'école.", "The children play in the school yard."),
    ("J'aime l'apprentissage automatique.", "I love machine learning."),
    ("Cette machine apprend une langue très vite.", "This machine learns a language very fast."),
    ("À quelle heure part le train pour Paris ?", "What time does the train for Paris leave?"),
    ("Je voudrais une chambre pour deux nuits.", "I would like a room for two nights."),
    ("Où se trouve la gare, s'il vous plaît ?", "Where is the station, please?"),
    ("Nous allons à la plage cet été.", "We are going to the beach this summer."),
    ("Combien coûte ce billet ?", "How much does this ticket cost?"),
    ("Je voudrais un verre d'eau et du pain.", "I would like a glass of water and some bread."),
    ("Ma mère prépare le dîner dans la cuisine.", "My mother is making dinner in the kitchen."),
    ("Ce gâteau au chocolat est délicieux.", "This chocolate cake is delicious."),
    ("Le petit chat noir dort sur la table.", "The little black cat is sleeping on the table."),
    ("Notre chien a peur de l'orage.", "Our dog is afraid of the storm."),
    ("Ma sœur travaille dans un hôpital.", "My sister works in a hospital."),
    ("J'ai mal à la tête depuis hier.", "I have had a headache since yesterday."),
    ("Il a acheté une nouvelle voiture rouge.", "He bought a new red car."),
    ("Pouvez-vous parler plus lentement ?", "Can you speak more slowly?"),
    ("Je ne comprends pas cette question.", "I don't understand this question."),
    ("Elle lit un livre avant de dormir.", "She reads a book before sleeping."),
    ("Si j'avais le temps, je voyagerais davantage.", "If I had time, I would travel more."),
)


# What models wrote for these sentences, read one by one: translations whose meaning is right, and
# wrong ones. What stands in neither list has not been read yet.
RIGHT: frozenset[str] = frozenset(
    {
        "Hello, how are you doing today?",
        "I'm glad to get to know you.",
        "Thank you very much for your help.",
        "It's very cold this morning.",
        "I think it's going to rain this afternoon.",
        "The sun is shining and the sky is blue.",
        "My brother is in the same class as I am.",
        "My brother is in the same class as I do.",
        "The teacher explains the lesson at the students.",
        "I forgot my book at home.",
        "What time does the train leave for Paris?",
        "I would like a room for two night.",
        "I'd like a room for two night.",
        "Where is the station, please?",
        "Where's the station, please?",
        "Where's the train station, please?",
        "We're going to the beach this summer.",
        "How much does this ticket cost?",
        "How much is this ticket?",
        "I want a glass of water and bread.",
        "I'd like a glass of water and bread.",
        "My mother is making dinner in the kitchen.",
        "This chocolate cake is delicious.",
        "That chocolate cake is delicious.",
        "The little black cat is sleeping on the table.",
        "Our dog is afraid of the storm.",
        "My sister works in a hospital.",
        "I've had a headache since yesterday.",
        "He bought a new red car.",
        "Can you speak more slowly?",
        "I don't understand this question.",
        "She reads a book before she sleeps.",
        "If I had time, I would travel more.",
    }
)
WRONG: frozenset[str] = frozenset(
    {
        "By, how are you going today?",
        "Hello, how are you going today?",
        "Good night tomorrow morning.",
        "The sun is blue and the sky is blue.",
        "My brother is in the same class.",
        "The teacher explains the lesson in the students.",
        "Children play in the school run.",
        "I like the spatory.",
        "I like the automatistic.",
        "I like the aunt automatical.",
        "This machine is learning a very fast language.",
        "This machine has a very fast language.",
        "I'd like a glass and bread.",
        "The black cat is sleeping on the table.",
        "The black cat is black on the table.",
        "Our dog is afraid of the picture.",
        "I have been headache since yesterday.",
    }
)


def verdict(translation: str) -> str:
    """What was found on reading a translation: "right", "wrong" or "not read"."""
    if translation in RIGHT:
        return "right"
    return "wrong" if translation in WRONG else "not read"


def both_sides() -> list[str]:
    """Every sentence of either language, to be kept out of training."""
    return [side for pair in SENTENCES for side in pair]
