"""Azure's codes for how calls and their media operations end (sheet, sections 5.4 and 5.5)."""

from acsportal.emulator.callbacks import Result

COMPLETED = Result(message="Action completed successfully.")

BY_API = Result(
    200, 7000, "Call was ended by Azure Communication Service Call Automation API or a server bot. DiagCode: 0#7000.@"
)
BY_PERSON = Result(200, 0, "The conversation has ended. DiagCode: 0#0.@")
REMOVED = Result(200, 5000, "The participant was removed from the conversation. DiagCode: 0#5000.@")
LAST_LEFT = Result(200, 5010, "The last other participant left the conversation. DiagCode: 0#5010.@")
AFTER_TRANSFER = Result(200, 7015, "The call has ended after a transfer. DiagCode: 0#7015.@")
GAVE_UP = Result(487, 0, "The caller hung up before the call was answered. DiagCode: 487#0.@")
NOT_ANSWERED = Result(487, 10004, "The call was canceled as it was not answered in time. DiagCode: 487#10004.@")
REJECTED = Result(487, 10024, "The call was declined by the callee. DiagCode: 487#10024.@")
REDIRECTED = Result(487, 10003, "The call was answered elsewhere: it was redirected. DiagCode: 487#10003.@")
UNDELIVERED = Result(480, 10078, "The portal's event door did not take the subscription. DiagCode: 480#10078.@")
CANCELED = Result(487, 540487, "The call was canceled by the originator. DiagCode: 487#540487.@")
NO_ANSWER = Result(480, 560480, "The callee did not answer. DiagCode: 480#560480.@")
BUSY = Result(403, 560403, "The callee rejected the call. DiagCode: 403#560403.@")
NOT_CONNECTED = Result(480, 10076, "The room or group call could not be joined. DiagCode: 480#10076.@")

TRANSFERRED = Result(200, 7015, "The transfer operation completed successfully.")
NOT_ON_CALL = Result(404, 8522, "Action failed, the participant was not found on the call.")
TOO_LATE = Result(400, 8585, "Action failed, the invitation was answered or refused already.")

OPERATION_CANCELED = Result(400, 8508, "Action failed, the operation was canceled.")
HOLD_AUDIO_CANCELED = Result(400, 8508, "Action falied, the operation was cancelled.")
BAD_FORMAT = Result(400, 8535, "Action failed, file format is invalid.")
NO_DOWNLOAD = Result(400, 8536, "Action failed, file could not be downloaded.")
NO_SPEECH_SERVICE = Result(400, 8565, "Action failed, bad request to Azure AI services.")

PROMPT_FAILED = Result(500, 8511, "Action failed, encountered failure while trying to play the prompt.")
INITIAL_SILENCE = Result(400, 8510, "Action failed, initial silence timeout reached.")
INTER_DIGIT_SILENCE = Result(400, 8532, "Action failed, inter-digit silence timeout reached.")
WRONG_TONE = Result(400, 8534, "Action failed, incorrect tone entered.")
WRONG_PHRASE = Result(400, 8547, "Action failed, recognized phrase does not match a valid option.")
NOT_RECOGNIZED = Result(400, 8563, "Action failed, speech could not be recognized.")
MAX_DIGITS = Result(200, 8531, "Action completed, max digits received.")
STOP_TONE = Result(200, 8514, "Action completed as stop tone was detected.")
TONE_MATCHED = Result(200, 8533, "Action completed, DTMF option matched.")
PHRASE_MATCHED = Result(200, 8545, "Action completed, Recognized phrase matches a valid option.")
SPEECH_RECOGNIZED = Result(200, 8569, "Action completed, speech was recognized.")

TONE_RECEIVED = Result(message="DTMF tone received successfully.")
TONES_STOPPED = Result(message="Continuous DTMF Recognition stopped successfully.")
TONES_SENT = Result(message="Send DTMF completed successfully.")

TRANSCRIPTION_UNCONNECTED = Result(500, 8578, "Action failed, not able to establish websocket connection.")
TRANSCRIPTION_NO_SUCH_URL = Result(400, 8581, "Action failed, StreamUrl isn't valid.")
TRANSCRIPTION_SERVICE_REFUSED = Result(400, 8565, "Action failed, bad request to Azure AI services.")
TRANSCRIPTION_CANCELED = Result(500, 8579, "Action failed, transcription was canceled.")
TRANSCRIPTION_UNCONFIGURED = Result(405, 8522, "Action failed, transcription URL or cognitive service is not set.")
