"""ainl-align: align a small language model to AINL, and know whether it worked."""
