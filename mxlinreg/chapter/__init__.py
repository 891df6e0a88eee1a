"""The chapter and nothing else: contexts, data, the five hand-written pieces and the loop."""
