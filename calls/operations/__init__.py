"""How the portal itself is: its processes, queues, probes, figures and jobs."""
