"""What stands between the network and the portal: limits on what a peer may cost before and while it is listened to.

Neither server has them all. A single socket must not be able to take the event loop from the calls beside it, nor a
thousand silent ones the room from those that Azure opens.
"""
