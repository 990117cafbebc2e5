using System.Net;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.Storms;

/// <summary>Clients that send requests, some with bodies and some that the agent blocks, until they are told to stop.</summary>
internal sealed class StormLoad : IAsyncDisposable
{
    private const int Clients = 32;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly HttpClient _client;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private readonly bool _withBodies;
    private long _sent;
    private long _blocked;
    private long _refused;

    /// <summary>Begins.</summary>
    /// <param name="port">The proxy, on loopback.</param>
    /// <param name="withBodies">Whether a third of the requests has a body.</param>
    public StormLoad(int port, bool withBodies)
    {
        _withBodies = withBodies;
        _client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Clients, UseProxy = false })
        {
            Timeout = Limit,
            BaseAddress = new Uri($"http://127.0.0.1:{port}"),
        };
        _running = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(SendAsync, CancellationToken.None)));
    }

    /// <summary>Requests that have been answered.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Requests that the agent blocked.</summary>
    public long Blocked => Interlocked.Read(ref _blocked);

    /// <summary>Requests that were refused because nobody could inspect them.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Waits until a counter has grown.</summary>
    public static Task GrowsAsync(Func<long> counter, long by, string what)
    {
        var start = counter();
        return Eventually.TrueAsync(() => counter() >= start + by, Limit, $"{by} more {what}");
    }

    /// <summary>Waits until so many requests have been answered, and stops.</summary>
    public async Task EndAsync(long requests)
    {
        await Eventually.TrueAsync(() => Sent >= requests || _running.IsCompleted, Limit, $"{requests} requests");
        await _stopping.CancelAsync();
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        _stopping.Dispose();
    }

    private async Task SendAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var number = Interlocked.Read(ref _sent);
            using var body = _withBodies && number % 3 == 0 ? new ByteArrayContent(new byte[1000]) : null;
            var target = new Uri(number % 10 == 9 ? "/attack" : "/storm", UriKind.Relative);
            using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, target) { Content = body };
            using var answer = await _client.SendAsync(request, CancellationToken.None);
            // Where 403 stands for what another status would say, the answer says which.
            if (answer.StatusCode == HttpStatusCode.Forbidden && !answer.Headers.Contains("X-Sidecar-Status"))
            {
                Interlocked.Increment(ref _blocked);
            }
            else if (answer.StatusCode != HttpStatusCode.OK)
            {
                Interlocked.Increment(ref _refused);
            }

            Interlocked.Increment(ref _sent);
        }
    }
}
