"""The cloud database of a mini program: actions of the gateway, transactions, data in files."""
