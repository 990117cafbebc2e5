using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections.Framed;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Connections;

/// <summary>
/// The connections of an agent that dials in: where the pool of any other agent dials, this one's waits for the next to register (spec §8).
/// </summary>
/// <remarks>
/// Safe from any thread. A place is taken before an agent is told of its success and given back the moment its connection ends, so the dead
/// never count; who has one is taken by the pool as soon as it asks. Never dials outwards.
/// </remarks>
/// <param name="settings">What must be known of the agent; the encodings do not matter, because only JSON is spoken.</param>
/// <param name="limit">Most connections at once: as many as its pool keeps.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed class RegisteredConnections(ConnectionSettings settings, int limit, TimeProvider time, ILogger logger)
    : IAgentDialer, IDisposable
{
    private readonly Channel<PendingRegistration> _arrivals = Channel.CreateUnbounded<PendingRegistration>();
    private int _taken;

    public string Endpoint { get; } = new AgentEndpoint.Reverse().ToString();

    public bool IsPassive => true;

    /// <summary>The agent's id.</summary>
    public string AgentId => settings.AgentId;

    /// <summary>Most connections at once; what is above a lowered limit stays until it ends.</summary>
    public int Limit { get; set; } = limit;

    /// <summary>Places taken: live connections and those on their way in.</summary>
    public int Count => Volatile.Read(ref _taken);

    /// <summary>A place for one more connection; null when all are taken.</summary>
    /// <param name="most">A limit of the caller's own, besides <see cref="Limit"/>.</param>
    public RegistrationSlot? TryReserve(int most)
    {
        for (var (taken, end) = (Count, Math.Min(Limit, most)); taken < end;)
        {
            var seen = Interlocked.CompareExchange(ref _taken, taken + 1, taken);
            if (seen == taken)
            {
                return new RegistrationSlot(() => Interlocked.Decrement(ref _taken));
            }

            taken = seen;
        }

        return null;
    }

    /// <summary>
    /// Hands a registered connection to the pool, and its socket and place with it. False when the pool is gone: then they stay the
    /// caller's.
    /// </summary>
    public bool TryHand(PendingRegistration arrival) => _arrivals.Writer.TryWrite(arrival);

    /// <summary>Waits for the next agent to register. Fails after the connect timeout if the agent has no connection at all.</summary>
    /// <exception cref="AgentUnreachableException">
    /// It has not registered, or its connection could not be used; the message says why.
    /// </exception>
    public async Task<IAgentConnection> DialAsync(IConnectionSink sink, CancellationToken cancellation)
    {
        var arrival = await NextAsync(cancellation);
        FramedAgentConnection? connection = null;
        try
        {
            connection = FramedAgentConnection.Over(arrival.Socket, arrival.ConnectionId, settings, sink, time, logger);
            connection.Adopt(arrival.Capabilities);
            _ = ReleaseAtEndAsync(connection, arrival.Slot);
            await ConfigurationPush.SendAsync(connection, settings, time, cancellation);
            return connection;
        }
        catch (Exception e)
        {
            if (connection is null)
            {
                arrival.Dispose();
            }
            else
            {
                await connection.DisposeAsync();
                arrival.Slot.Dispose();
            }

            cancellation.ThrowIfCancellationRequested();
            throw new AgentUnreachableException(
                $"agent {settings.AgentId} registered, but its connection {arrival.ConnectionId} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Closes what is still on its way in. The pool has closed what it took.</summary>
    public void Dispose()
    {
        _arrivals.Writer.TryComplete();
        while (_arrivals.Reader.TryRead(out var arrival))
        {
            arrival.Dispose();
        }
    }

    private static async Task ReleaseAtEndAsync(FramedAgentConnection connection, RegistrationSlot slot)
    {
        await connection.Ended;
        slot.Dispose();
    }

    private async Task<PendingRegistration> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            using var limit = new CancellationTokenSource(settings.ConnectTimeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
            try
            {
                return await _arrivals.Reader.ReadAsync(either.Token);
            }
            catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
            {
                if (Count == 0)
                {
                    throw new AgentUnreachableException(
                        $"agent {settings.AgentId} has not registered within {settings.ConnectTimeout.TotalSeconds:0.###} s", e);
                }
            }
        }
    }
}

/// <summary>
/// One place among the connections that an agent may have, taken before it is told that it may come in. Disposing gives it back, once.
/// </summary>
internal sealed class RegistrationSlot(Action release) : IDisposable
{
    private Action? _release = release;

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}

/// <summary>An agent's connection that is registered and not yet in its pool. Whoever holds it owns the socket and the slot.</summary>
/// <param name="ConnectionId">The id that the agent was told; random, unique in the process.</param>
/// <param name="Socket">The socket; all bytes up to the registration's answer have been read and written.</param>
/// <param name="Capabilities">What the agent said of itself.</param>
/// <param name="Slot">Its place among the agent's connections.</param>
internal sealed record PendingRegistration(
    string ConnectionId, Socket Socket, AgentCapabilities Capabilities, RegistrationSlot Slot) : IDisposable
{
    /// <summary>Closes the socket and gives the place back.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        Slot.Dispose();
    }
}
