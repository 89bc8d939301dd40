def numbers(file):
    return [int(line) for line in file]
