using System.IO.Pipelines;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Takeover;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Takeover;

/// <summary>Two daemons' ends of a link in memory, each with whatever front end the test gives it.</summary>
internal sealed class LinkPair : IAsyncDisposable
{
    private readonly Task _running;

    /// <param name="old">What the one end bears, where that is not as usual.</param>
    public LinkPair(LinkOptions? old = null)
    {
        var usual = new LinkOptions { Kind = "test" };
        var pipes = new DuplexPipePair(PipeScheduler.ThreadPool);
        (Old, New) = (new LinkEnd(pipes.Near, old ?? usual), new LinkEnd(pipes.Far, usual));
        _running = Task.WhenAll(Old.Link.RunAsync(), New.Link.RunAsync());
    }

    public LinkEnd Old { get; }

    public LinkEnd New { get; }

    /// <summary>Waits until both have introduced themselves.</summary>
    public async Task<LinkPair> OpenAsync()
    {
        await Eventually.TrueAsync(() => Old.IsOpen && New.IsOpen, TimeSpan.FromSeconds(60), "both ends of the link");
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        Old.Link.Close();
        New.Link.Close();
        await _running.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System);
    }
}

/// <summary>One end, as front ends have it.</summary>
internal sealed class LinkEnd : IExchangeRelay
{
    private IRelayedFrontEnd? _frontEnd;
    private int _superseded;

    public LinkEnd(IDuplexPipe pipe, LinkOptions options) =>
        Link = new TakeoverLink(pipe, options, () => _frontEnd, () => Interlocked.Increment(ref _superseded), NullLogger.Instance);

    public TakeoverLink Link { get; }

    public int Superseded => Volatile.Read(ref _superseded);

    public bool IsOpen => Link.IsOpen;

    public void Serve(IRelayedFrontEnd frontEnd) => _frontEnd = frontEnd;

    public ValueTask<byte[]?> AskAsync(string key, ReadOnlyMemory<byte> question, long deadline, CancellationToken gone) =>
        Link.AskAsync(key, question, deadline, gone);
}
