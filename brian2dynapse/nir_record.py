def recorded(graph): return None
def restored(*a, **k): pass
