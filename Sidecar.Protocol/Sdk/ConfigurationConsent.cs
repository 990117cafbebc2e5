using Sidecar.Protocol.Transport;

namespace Sidecar.Protocol.Sdk;

/// <summary>
/// Says what became of an agent's configurations on a wire that has no answer to them: a pong accepts all that came before its ping, the
/// end of the stream refuses (spec §5.2, §6.5).
/// </summary>
/// <remarks>Configurations of one connection are decided in the order in which they came. Safe from any thread.</remarks>
internal sealed class ConfigurationConsent(FrameConnection frames) : IDisposable
{
    // A proxy sends one ping behind a configuration; whoever sends more than these meanwhile can do without their pongs.
    private const int MaxHeld = 64;

    private readonly Lock _gate = new();
    private readonly Queue<(long After, FrameBuffer Pong)> _held = new();
    private long _received;
    private long _decided;
    private bool _isOver;

    /// <summary>A configuration has come.</summary>
    public void Expect()
    {
        lock (_gate)
        {
            _received++;
        }
    }

    /// <summary>
    /// The oldest undecided one is decided, and its answer was taken for sending. A refusal ends the stream: other proxies than ours look
    /// at nothing else.
    /// </summary>
    public void Decide(bool isAccepted)
    {
        if (!isAccepted)
        {
            Dispose();
            frames.Close();
            return;
        }

        lock (_gate)
        {
            _decided++;
            while (_held.TryPeek(out var first) && first.After <= _decided)
            {
                using var pong = _held.Dequeue().Pong;
                frames.TrySend(pong.Finish());
            }
        }
    }

    /// <summary>Takes a pong that is ready; it is sent when everything that came before its ping has been accepted.</summary>
    public void Send(FrameBuffer pong)
    {
        lock (_gate)
        {
            if (!_isOver && _received > _decided && _held.Count < MaxHeld)
            {
                _held.Enqueue((_received, pong));
                return;
            }

            using (pong)
            {
                if (_received == _decided)
                {
                    frames.TrySend(pong.Finish());
                }
            }
        }
    }

    /// <summary>Nothing is held any more, and no pong goes out that would accept what was not.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            while (_held.TryDequeue(out var held))
            {
                held.Pong.Dispose();
            }
        }
    }
}
