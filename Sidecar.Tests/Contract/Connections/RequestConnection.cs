using System.Buffers;
using System.Collections.Concurrent;
using System.Threading.Channels;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Connections.Calls;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Contract.Connections;

/// <summary>An agent as an HTTP server is one: no stream and no frames, a request and its answer for each event, as many at once as it may.</summary>
/// <remarks>It keeps for each exchange which request is its own, until the exchange is over.</remarks>
internal sealed class RequestConnection : IAgentConnection, ICallTransport<AgentRequest>, IContractPeer
{
    private readonly Channel<AgentRequest> _server = Channel.CreateUnbounded<AgentRequest>();
    private readonly ConcurrentDictionary<AgentEvent, AgentRequest> _received = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<CorrelationId, AgentRequest> _exchanges = new();
    private readonly ConcurrentDictionary<CorrelationId, AgentRequest> _requests = new();
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly OutstandingCalls<AgentRequest> _calls;
    private readonly IConnectionSink _sink;
    private readonly TimeProvider _time;
    private readonly int _limit;
    private long _lastHeard;
    private long _late;
    private long _lastId;

    private RequestConnection(TimeProvider time, IConnectionSink sink, int limit)
    {
        (_time, _sink, _limit, _lastHeard) = (time, sink, limit, time.GetTimestamp());
        _calls = new OutstandingCalls<AgentRequest>(this, time) { Limit = limit, OwesAnswers = false };
        Traits = new()
        {
            MaxInFlight = limit,
            IsConcurrent = true,
            Events = EventSet.All,
            MaxEventBytes = ConnectionContractTests.LargestBody,
            CanPing = false,
        };
    }

    public string Id => "requests-1";

    public ConnectionTraits Traits { get; private set; }

    public AgentCapabilities Capabilities { get; } = ScriptedAgent.Capable();

    public string Encoding => ProtocolConstants.Json;

    public string Dialect => "requests";

    public bool IsOpen => !_ended.Task.IsCompleted;

    public ConnectionStats Stats => new(_calls.InFlight, _calls.Owed, Interlocked.Read(ref _late), Volatile.Read(ref _lastHeard));

    public Task<string> Ended => _ended.Task;

    public IAgentConnection Connection => this;

    public bool SkipsCancels { get; set; }

    public int Waiting => _server.Reader.Count;

    public static Task<IContractPeer> OpenAsync(TimeProvider time, IConnectionSink sink, int limit) =>
        Task.FromResult<IContractPeer>(new RequestConnection(time, sink, limit));

    public ValueTask<CallResult> CallAsync(AgentEvent message, long deadline, EventFrames? frames = null)
    {
        if (message is BodyChunkEvent { Data.Length: var size } && size > Traits.MaxEventBytes)
        {
            return new(CallResult.Failed(CallOutcome.NotSendable, $"{size} bytes are more than {Traits.MaxEventBytes}"));
        }

        var body = new ArrayBufferWriter<byte>();
        MessageEncodings.Json.WriteEvent(body, message);
        var request = new AgentRequest(new CorrelationId((UInt128)Interlocked.Increment(ref _lastId)), message.CorrelationId, message.Type, body.WrittenMemory);
        return _calls.Send(request, request.Id, message.Type, deadline);
    }

    public void Cancel(CorrelationId id, CancelReason reason)
    {
        if (_exchanges.TryGetValue(id, out var request))
        {
            _calls.Cancel(request.Id, reason);
        }
    }

    public void Release(CorrelationId exchange) => _exchanges.TryRemove(exchange, out _);

    public void LimitCalls(int most)
    {
        Traits = Traits with { MaxInFlight = Math.Min(most, _limit) };
        _calls.Limit = Traits.MaxInFlight;
    }

    public void Ping()
    {
        // There is nothing to ping.
    }

    public void Abort(string cause)
    {
        _calls.End(cause);
        _ended.TrySetResult(cause);
        _server.Writer.TryComplete();
    }

    public async ValueTask DisposeAsync()
    {
        _calls.ShutDown();
        Abort("closed by us");
        await _calls.DisposeAsync();
    }

    bool ICallTransport<AgentRequest>.TrySend(AgentRequest message)
    {
        (_exchanges[message.Exchange], _requests[message.Id]) = (message, message);
        _server.Writer.TryWrite(message);
        return true;
    }

    ValueTask<bool> ICallTransport<AgentRequest>.WaitForRoomAsync(TimeSpan limit) => new(true);

    void ICallTransport<AgentRequest>.SendCancel(CorrelationId id, CancelReason reason)
    {
        if (_requests.TryRemove(id, out var request))
        {
            request.Aborted.TrySetResult();
        }
    }

    public async Task<AgentEvent> ReceiveAsync()
    {
        var request = await _server.Reader.ReadAsync().AsTask().WaitAsync(ScriptedAgent.Limit, TimeProvider.System);
        var message = MessageEncodings.Json.ReadEvent(request.Type, request.Body);
        _received[message] = request;
        return message;
    }

    public Task AnswerAsync(AgentEvent message, AgentResponse? response = null)
    {
        var request = _received[message];
        _requests.TryRemove(request.Id, out _);
        Volatile.Write(ref _lastHeard, _time.GetTimestamp());
        if (_calls.Answer(request.Id, CallResult.Answered(response ?? AgentResponse.Allow)) != AnswerUse.Taken)
        {
            Interlocked.Increment(ref _late);
            _sink.OnSlotFreed(this);
        }

        return Task.CompletedTask;
    }

    // Who hangs up does not say why.
    public Task CancelledAsync(AgentEvent message, CancelReason reason) => _received[message].Aborted.Task.WaitAsync(ScriptedAgent.Limit, TimeProvider.System);

    public Task ReleasedAsync(CorrelationId exchange) => _exchanges.ContainsKey(exchange)
        ? throw new InvalidOperationException($"{exchange} is still held")
        : Task.CompletedTask;

    public void Die() => Abort("the server is gone");
}

/// <summary>One request.</summary>
/// <param name="id">Its own.</param>
/// <param name="exchange">Whose event it is.</param>
/// <param name="type">The event's type.</param>
/// <param name="body">The event.</param>
internal sealed class AgentRequest(CorrelationId id, CorrelationId exchange, MessageType type, ReadOnlyMemory<byte> body) : IDisposable
{
    public CorrelationId Id => id;

    public CorrelationId Exchange => exchange;

    public MessageType Type => type;

    public ReadOnlyMemory<byte> Body => body;

    /// <summary>Completes when the client has hung up.</summary>
    public TaskCompletionSource Aborted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose()
    {
        // Its memory is the collector's.
    }
}
