"""What predicted the next token before transformers did: tables of n-grams, recurrent networks.

ngrams, counting    n-gram probabilities, and the counts behind them
gru                 a recurrent network, step by step
bundles             the files of both: what they are, whether they are whole
predictors          all of them and a transformer, asked alike
influence           how much a token d places back matters to the next one
"""
