print('this line was printed by importing the code of a model')


class ExampleModel:
    pass
