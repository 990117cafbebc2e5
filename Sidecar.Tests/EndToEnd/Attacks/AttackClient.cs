using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>Sends attack requests to a proxy, each on a connection of its own.</summary>
internal static class AttackClient
{
    /// <summary>The status where the proxy neither answered nor closed.</summary>
    public const int NoEnd = -1;

    /// <summary>How long after the headers a body comes: long enough for a proxy to have gone on without it.</summary>
    public static readonly TimeSpan BodyDelay = TimeSpan.FromMilliseconds(20);

    // Longer than the minute that patient proxies give the sidecar.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Sends all.</summary>
    /// <param name="port">The proxy, on loopback.</param>
    /// <param name="requests">What to send.</param>
    /// <param name="bodyIsLate">The body comes 20 ms after the headers, instead of in one segment with them.</param>
    /// <param name="connections">How many at once.</param>
    /// <returns>The status of each answer; 0 where the proxy closed without one, <see cref="NoEnd"/> where nothing came for minutes.</returns>
    public static async Task<IReadOnlyDictionary<string, int>> SendAsync(int port, IReadOnlyList<AttackRequest> requests, bool bodyIsLate, int connections = 32)
    {
        var statuses = new int[requests.Count];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, requests.Count),
            new ParallelOptions { MaxDegreeOfParallelism = connections },
            async (i, _) => statuses[i] = await SendAsync(port, requests[i], bodyIsLate));
        return Enumerable.Range(0, requests.Count).ToDictionary(i => requests[i].Id, i => statuses[i], StringComparer.Ordinal);
    }

    private static async Task<int> SendAsync(int port, AttackRequest request, bool bodyIsLate)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), CancellationToken.None);
        try
        {
            await SendAsync(socket, request, bodyIsLate);
        }
        catch (SocketException)
        {
            // A proxy that refuses need not read the rest; what it answered is there all the same.
        }

        try
        {
            await using var stream = new NetworkStream(socket);
            var answer = await new WireReader(stream).AnswerAsync(!request.Raw.AsSpan().StartsWith("HEAD "u8)).WaitAsync(Limit, TimeProvider.System);
            return answer is null ? 0 : int.Parse(answer.Target, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
            // Reset, or closed within the answer, or an answer of HTTP/0.9.
            return 0;
        }
        catch (TimeoutException)
        {
            return NoEnd;
        }
    }

    private static async Task SendAsync(Socket socket, AttackRequest request, bool bodyIsLate)
    {
        var sent = 0;
        if (bodyIsLate && request.HasBody)
        {
            sent = request.HeadLength;
            await socket.SendAsync(request.Raw.AsMemory(0, sent), CancellationToken.None);
            await Task.Delay(BodyDelay, TimeProvider.System);
        }

        for (; sent < request.Raw.Length; sent += await socket.SendAsync(request.Raw.AsMemory(sent), CancellationToken.None))
        {
        }

        // A proxy would wait for the rest of what announces more than it sends.
        if (request.IsShort)
        {
            socket.Shutdown(SocketShutdown.Send);
        }
    }
}
