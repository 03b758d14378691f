"""CloudBase: the gateway of cloud calls, and the platform that runs functions."""
