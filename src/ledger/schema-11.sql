-- What weighs against an event that nobody knows of whether it was delivered: a run that ended without a receipt weighs four
-- times what one does that was killed, which says nothing of the event.
UPDATE event SET attempts = attempts * 4 WHERE state = 0;
