"""Cloud storage of one mini program: its files, their names, and the URLs that open them."""
