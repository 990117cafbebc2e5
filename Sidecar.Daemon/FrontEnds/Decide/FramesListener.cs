using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.FrontEnds.Decide;

/// <summary>A Unix socket on which scripts ask in frames.</summary>
internal sealed class FramesListener : IAsyncDisposable
{
    // For connections to be closed after an answer.
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(2);

    private readonly JsonListenerOptions _options;
    private readonly DecisionService _service;
    private readonly LogThrottle _throttle;
    private readonly ILogger _logger;
    private readonly SocketListener _listener;
    private readonly Func<EndPoint, Socket> _createListenSocket;
    private readonly CancellationTokenSource _leaving = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>A listener that does not listen yet.</summary>
    /// <param name="options">What it bears.</param>
    /// <param name="inspector">Who is asked.</param>
    /// <param name="createListenSocket">Makes the bound socket.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <param name="relay">Other daemons that may know an exchange; null for none.</param>
    public FramesListener(
        JsonListenerOptions options, Inspector inspector, Func<EndPoint, Socket> createListenSocket, ILoggerFactory loggers,
        IExchangeRelay? relay = null)
    {
        (_options, _createListenSocket) = (options, createListenSocket);
        _logger = loggers.CreateLogger<FramesListener>();
        _service = new DecisionService(options, inspector, loggers.CreateLogger<DecisionService>(), relay);
        _throttle = new LogThrottle(inspector.Time);
        var accepting = new SocketListenerOptions
        {
            Name = options.Name,
            MaxConnections = options.MaxConnections,
            Refuse = Refuse,
            Time = inspector.Time,
        };
        _listener = new SocketListener(accepting, ServeAsync, _logger);
    }

    /// <summary>Connections open now.</summary>
    public int Connections => _listener.Open;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The path cannot be used.</exception>
    public void Start(string path) => _listener.Start(_createListenSocket(new UnixDomainSocketEndPoint(path)));

    /// <summary>Another daemon listens here now: each connection is closed after its next answer.</summary>
    public void Supersede()
    {
        _service.Exchanges.Supersede();
        _leaving.Cancel();
    }

    /// <summary>
    /// Waits until no exchange is open, or until the token fires. New ones are not inspected meanwhile, unless another daemon has taken
    /// over.
    /// </summary>
    public async Task DrainAsync(CancellationToken timeIsUp)
    {
        await _service.Exchanges.DrainAsync(timeIsUp).ConfigureAwait(false);
        if (_leaving.IsCancellationRequested)
        {
            // What is left then has not been used for so long that a script that takes it now is not to be expected.
            await Task.Delay(LeaveTimeout, _service.Time, timeIsUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Stops accepting and reading; questions under way are answered, then all connections are closed and open exchanges end.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _listener.StopAcceptingAsync().ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);

        // Each ends by its deadlines.
        await _listener.DrainAsync(CancellationToken.None).ConfigureAwait(false);
        _service.Dispose();
        _stopping.Dispose();
        _leaving.Dispose();
    }

    // An answer before the question is read as the answer to it.
    private void Refuse(AcceptedSocket accepted)
    {
        var frame = new ArrayBufferWriter<byte>();
        var error =
            DecideRequestError.Overloaded($"{_options.MaxConnections} connections are open, as many as this listener takes; close some");
        AnswerWriter.Write(frame, Answer.Of(error), asFrame: true);
        accepted.CloseWith(frame.WrittenSpan);
    }

    private async Task ServeAsync(AcceptedSocket accepted)
    {
        var first = await accepted.WaitForDataAsync(
            _options.SilenceTimeout, _service.Time, _stopping.Token, SocketPipes.ReadAhead).ConfigureAwait(false);
        if (first != FirstData.Came)
        {
            accepted.Close();
            return;
        }

        await using var pipes = accepted.Open();
        await new FramesConnection(_options, _service, _throttle, _logger)
            .RunAsync(pipes, pipes.WatchEnd(), _stopping.Token, _leaving.Token).ConfigureAwait(false);
    }
}
