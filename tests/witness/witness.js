// Azure's JavaScript client drives the emulator and reads messages. One task: JSON on stdin, JSON on stdout.
//
//   node witness.js drive   {url, key, context, callbackUrl, mediaUrl, wordsUrl, soundUrl}  →  the steps that were done
//   node witness.js read    {messages: […], callbacks: […]}  →  what StreamingData and the event parser make of them
//   node witness.js write   {audio: base64}  →  the messages that the client would send

import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import {
  CallAutomationClient,
  StreamingData,
  createOutboundAudioData,
  createOutboundStopAudioData,
  parseCallAutomationEvent,
} from "@azure/communication-call-automation";
import { AzureKeyCredential } from "@azure/core-auth";

const CALLER = { phoneNumber: "+14255550123" };
const GUEST = { phoneNumber: "+14255550188" };
const OWN = { phoneNumber: "+14255550199" };
const AGENT = { communicationUserId: "8:acs:00000000-0000-0000-0000-000000000001_agent-tom" };
const DEADLINE_MS = 10_000;
const LOOK_MS = 20;

async function until(holds, what) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert.ok(Date.now() < deadline, `not within ${DEADLINE_MS} ms: ${what}`);
    await sleep(LOOK_MS);
  }
}

function streaming(order, more) {
  return {
    transportUrl: order.mediaUrl,
    transportType: "websocket",
    contentType: "audio",
    audioChannelType: "unmixed",
    audioFormat: "Pcm16KMono",
    enableBidirectional: true,
    enableDtmfTones: true,
    ...more,
  };
}

// The option by which a client may speak plain http, as it must with a server on loopback.
function clientOf(order) {
  return new CallAutomationClient(order.url, new AzureKeyCredential(order.key), {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  });
}

async function refused(asked, status, code) {
  await assert.rejects(asked, (error) => {
    assert.equal(error.statusCode, status);
    assert.equal(error.code ?? error.details?.error?.code, code);
    return true;
  });
}

async function stateOf(connection) {
  return (await connection.getCallConnectionProperties()).callConnectionState;
}

async function answer(client, order) {
  const answered = await client.answerCall(order.context, order.callbackUrl, {
    operationContext: "answered",
    callIntelligenceOptions: { cognitiveServicesEndpoint: "https://speech.example.com" },
    mediaStreamingOptions: streaming(order, { startMediaStreaming: false }),
    transcriptionOptions: {
      transportUrl: order.wordsUrl, transportType: "websocket", locale: "en-US", startTranscription: false,
    },
  });
  assert.equal(answered.callConnectionProperties.callConnectionState, "connecting");
  assert.equal(answered.callConnectionProperties.callbackUri, order.callbackUrl);
  await until(async () => (await stateOf(answered.callConnection)) === "connected", "the call connects");
  return answered.callConnection;
}

async function people(connection) {
  const listed = (await connection.listParticipants()).values;
  assert.deepEqual(listed.slice(1).map((one) => one.identifier.phoneNumber ?? one.identifier.communicationUserId), [
    CALLER.phoneNumber, AGENT.communicationUserId,
  ]);
  const added = await connection.addParticipant(
    { targetParticipant: GUEST, sourceCallIdNumber: OWN }, { operationContext: "added" },
  );
  assert.ok(added.invitationId);
  await until(async () => (await connection.listParticipants()).values.length === 4, "the guest comes in");
  await connection.muteParticipant(AGENT);
  assert.equal((await connection.getParticipant(AGENT)).isMuted, true);
  const gone = await connection.removeParticipant(GUEST, { operationContext: "removed" });
  assert.equal(gone.operationContext, "removed");
  await until(async () => (await connection.listParticipants()).values.length === 3, "the guest leaves");
  await refused(connection.muteParticipant(GUEST), 404, "8522");
  const invited = await connection.addParticipant({
    targetParticipant: { phoneNumber: "+14255550000" }, sourceCallIdNumber: OWN,
  });
  const cancelled = await connection.cancelAddParticipantOperation(invited.invitationId);
  assert.equal(cancelled.invitationId, invited.invitationId);
}

async function media(connection, order) {
  const face = connection.getCallMedia();
  await face.playToAll([{ kind: "fileSource", url: order.soundUrl }], { operationContext: "played" });
  await face.play([{ kind: "fileSource", url: order.soundUrl }], [CALLER], { operationContext: "played to one" });
  await face.cancelAllOperations();
  await face.startContinuousDtmfRecognition(CALLER, { operationContext: "keys" });
  await face.stopContinuousDtmfRecognition(CALLER, { operationContext: "keys" });
  const sent = await face.sendDtmfTones(["one", "pound"], CALLER, { operationContext: "tones" });
  assert.equal(sent.operationContext, "tones");
  await face.cancelAllOperations();
  await face.startRecognizing(CALLER, {
    kind: "callMediaRecognizeDtmfOptions", maxTonesToCollect: 1, operationContext: "recognized",
  });
  await face.cancelAllOperations();
  await face.hold(CALLER, { operationContext: "held" });
  assert.equal((await connection.getParticipant(CALLER)).isOnHold, true);
  await face.unhold(CALLER);
  assert.equal((await connection.getParticipant(CALLER)).isOnHold, false);
  await refused(face.unhold(CALLER), 400, "8585");
}

async function sockets(connection) {
  const face = connection.getCallMedia();
  const states = async () => {
    const properties = await connection.getCallConnectionProperties();
    return [properties.mediaStreamingSubscription?.state, properties.transcriptionSubscription?.state];
  };
  await face.startMediaStreaming({ operationContext: "streaming" });
  await face.startTranscription({ locale: "en-US", operationContext: "words" });
  await until(async () => (await states()).join() === "active,active", "both sockets are open");
  await face.updateTranscription("de-DE", { operationContext: "words" });
  await refused(face.startMediaStreaming(), 400, "8500");
  return { face, states };
}

async function closeSockets({ face, states }) {
  await face.stopMediaStreaming({ operationContext: "streaming" });
  await face.stopTranscription({ operationContext: "words" });
  await until(async () => (await states()).join() === "inactive,inactive", "both sockets are closed");
}

async function record(client, connection, order) {
  const { serverCallId } = await connection.getCallConnectionProperties();
  const recording = client.getCallRecording();
  const started = await recording.start({
    callLocator: { kind: "serverCallLocator", id: serverCallId },
    recordingStateCallbackEndpointUrl: order.callbackUrl,
    recordingContent: "audio",
    recordingChannel: "unmixed",
    recordingFormat: "wav",
  });
  assert.equal(started.recordingState, "active");
  await recording.pause(started.recordingId);
  assert.equal((await recording.getState(started.recordingId)).recordingState, "inactive");
  await recording.resume(started.recordingId);
  await recording.stop(started.recordingId);
  await refused(recording.getState(started.recordingId), 404, "8522");
}

async function place(client, order) {
  const created = await client.createCall(
    { targetParticipant: GUEST, sourceCallIdNumber: OWN }, order.callbackUrl, { operationContext: "created" },
  );
  const connection = created.callConnection;
  await until(async () => (await stateOf(connection)) === "connected", "the callee answers");
  const moved = await connection.transferCallToParticipant(AGENT, { operationContext: "transferred" });
  assert.equal(moved.operationContext, "transferred");
  await until(() => stateOf(connection).then(() => false, (error) => error.statusCode === 404), "the call is over");
  const joined = await client.connectCall({ kind: "roomCallLocator", id: "99" }, order.callbackUrl);
  await until(async () => (await stateOf(joined.callConnection)) === "connected", "the room is joined");
  await joined.callConnection.hangUp(false);
}

async function turnAway(client, order) {
  await client.rejectCall(order.rejected, { callRejectReason: "busy" });
  await client.redirectCall(order.redirected, { targetParticipant: GUEST });
  await refused(client.answerCall(order.rejected, order.callbackUrl), 404, "8522");
}

async function drive(order) {
  const client = clientOf(order);
  const connection = await answer(client, order);
  const steps = ["answer"];
  const step = async (name, work) => {
    const result = await work();
    steps.push(name);
    return result;
  };
  const open = await step("open sockets", () => sockets(connection));
  await step("people", () => people(connection));
  await step("media", () => media(connection, order));
  await step("record", () => record(client, connection, order));
  await step("close sockets", () => closeSockets(open));
  await step("hang up", () => connection.hangUp(true));
  await step("turn away", () => turnAway(client, order));
  await step("place, transfer, join", () => place(client, order));
  return { steps };
}

function read({ messages, callbacks }) {
  return {
    messages: messages.map((message) => ({ ...StreamingData.parse(message), as: StreamingData.getStreamingKind() })),
    binary: messages.map((message) => StreamingData.parse(new TextEncoder().encode(message).buffer)),
    callbacks: callbacks.map((callback) => parseCallAutomationEvent(callback)),
  };
}

function write({ audio }) {
  return { audio: createOutboundAudioData(audio), stop: createOutboundStopAudioData() };
}

const tasks = { drive, read, write };
const order = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(await tasks[process.argv[2]](order)));
