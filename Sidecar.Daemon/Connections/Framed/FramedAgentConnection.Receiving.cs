using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Connections.Framed;

/// <summary>What comes from the agent, and the end.</summary>
internal sealed partial class FramedAgentConnection
{
    void IFrameHandler.OnFrame(MessageType type, ReadOnlyMemory<byte> payload)
    {
        Volatile.Write(ref _lastHeard, _time.GetTimestamp());
        if (!_handshake.IsOver)
        {
            TakeHandshake(type, payload);
        }
        else if (type == MessageType.AgentResponse)
        {
            TakeAnswer(payload);
        }
        else
        {
            if (type == MessageType.Pong)
            {
                _consent.TakePong(payload);
            }

            _messages.Take(type, payload, _encoding);
        }
    }

    void IFrameHandler.OnEnd(FrameConnectionEnd end, Exception? error)
    {
        Volatile.Write(ref _open, false);
        var explained = _abortCause ?? _explainEnd?.Invoke(error);
        var cause = explained ?? (error is null ? end.ToString() : $"{end}: {error.Message}");
        var waiting = _calls.End(cause);
        _consent.End(isByAgent: end == FrameConnectionEnd.ClosedByPeer && explained is null, cause);
        Log.Ended(_logger, Id, _settings.AgentId, cause, waiting);
        _handshake.Fail(end is FrameConnectionEnd.ClosedByPeer or FrameConnectionEnd.TransportError && explained is null
            && _dialect == AgentDialect.Native
            ? OtherDialects.Silent()
            : new ProtocolException($"the connection ended during the handshake: {cause}"));
        _ended.TrySetResult(cause);
    }

    private void TakeHandshake(MessageType type, ReadOnlyMemory<byte> payload)
    {
        try
        {
            Take(_handshake.Read(type, payload));
        }
        catch (ProtocolException e)
        {
            _handshake.Fail(e);
            Abort(e.Message);
        }
    }

    private void TakeAnswer(ReadOnlyMemory<byte> payload)
    {
        var (id, result) = _answers.Read(_encoding, payload);
        if (!_dialect.AnswersConfigure && id == ConfigurationPush.Id)
        {
            if (_consent.Take(result) is { } refusal)
            {
                Abort(refusal);
            }

            return;
        }

        AnswerUse use;
        try
        {
            use = _calls.Answer(id, result);
        }
        catch (Exception e)
        {
            // Whoever waited for it failed after it was taken: a defect of ours, and no reason to fail the other calls.
            Log.AskerFailed(_logger, e, _settings.AgentId, id);
            return;
        }

        if (use == AnswerUse.Taken)
        {
            return;
        }

        Interlocked.Increment(ref _lateAnswers);
        Log.LateAnswer(_logger, _settings.AgentId, id);
        if (use == AnswerUse.Unasked && Traits.Matching == AnswerMatching.InOrder)
        {
            // From here on nobody can tell which answer belongs to which call.
            Abort("the agent answered what it was not asked: its answers are out of step");
            return;
        }

        _sink.OnSlotFreed(this);
    }
}
