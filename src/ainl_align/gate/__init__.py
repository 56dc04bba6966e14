"""The gate: is the evidence in the reports good enough to release the adapter?"""
