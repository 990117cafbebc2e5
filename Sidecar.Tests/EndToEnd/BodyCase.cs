using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// One request with a body, as pieces of its connection between which the client waits: made to fill a proxy's buffer to the byte, or to end where it
/// looks whole.
/// </summary>
internal sealed record BodyCase(int Number, string Text, bool IsHttp2, bool IsOrdinary, IReadOnlyList<byte[]> Pieces)
{
    public const string Host = "shop.example.org";

    /// <summary>How long a client waits between pieces, so that the proxy gets to look at what it has.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    // Longer than the minute that patient proxies give the sidecar.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    // What HAProxy's default buffer holds beside the 1,024 bytes that it keeps for rewriting, its own header and a block for each part.
    private const int Room = 16_384 - 56 - 1024 - 60;

    private static readonly string[] Pads =
    [
        "none", "x-sidecar-pad", "x_sidecar_pad", "x-pad", "cookie", "keep-alive", "proxy-connection", "connection", "trailer", "te", "expect",
        "long name", "many", "query", "userinfo", "absolute",
    ];

    /// <summary>The path by which a case is known again.</summary>
    public string Path => $"/case/{Number}";

    /// <summary>The case of a number: always the same one.</summary>
    public static BodyCase Of(int number)
    {
        var random = new Random(number);
        var isHttp2 = random.Next(2) == 0;
        var pad = Pads[random.Next(Pads.Length)];
        var padding = random.Next(3) == 0 ? random.Next(200) : pad == "none" ? 0 : random.Next(12_000);
        var (target, fields) = Padding(number, pad, padding, isHttp2, random);
        var near = Room - target.Length - fields.Sum(static field => field.Name.Length + field.Value.Length + 8)
            - (isHttp2 ? 2 * Host.Length : Host.Length) - 80;
        var isNear = random.Next(10) < 7 && near > 100;
        var first = isNear ? Math.Max(1, near + random.Next(-90, 90)) : random.Next(0, 6000);
        var rest = (random.Next(6)) switch { 0 => 0, 1 => 1, 2 => random.Next(40), 3 => random.Next(2000), 4 => random.Next(40_000), _ => 0 };
        var isSized = random.Next(6) == 0;
        var trailers = random.Next(8) == 0 ? random.Next(4) == 0 ? 12_000 : random.Next(1, 30) : 0;
        var body = Body(number, first + rest);
        var text = $"{number}: {(isHttp2 ? "h2" : "h1")} {pad} {padding}, first {first} (near {near}), rest {rest}, sized {isSized}, trailers {trailers}";
        var isPadded = random.Next(10) == 0;
        var pieces = isHttp2
            ? Http2(target, fields, body, first, isSized, trailers, isPadded, random)
            : Http1(target, fields, body, first, isSized, trailers, random);

        // HAProxy before 3.2 breaks off at padding.
        var isOrdinary = !(isHttp2 && isPadded)
            && !isNear
            && rest < 2000
            && padding < 1000
            && (trailers == 0 || (isSized && !isHttp2))
            && pad is not ("userinfo" or "connection");
        return new BodyCase(number, text, isHttp2, isOrdinary && !(isHttp2 && pad is "keep-alive" or "proxy-connection" or "te"), pieces);
    }

    /// <summary>Sends it to a port on loopback and waits for the end of the answer, whatever that is.</summary>
    public async Task SendAsync(int port)
    {
        using var limit = new CancellationTokenSource(Limit, TimeProvider.System);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), limit.Token);
        socket.NoDelay = true;
        try
        {
            foreach (var piece in Pieces)
            {
                await socket.SendAsync(piece, limit.Token);
                await Task.Delay(Pause, TimeProvider.System, limit.Token);
            }

            var answer = new List<byte>();
            var buffer = new byte[16 * 1024];
            while (!(IsHttp2 && RawHttp2.HasEnded([.. answer])) && await socket.ReceiveAsync(buffer, limit.Token) is > 0 and var count)
            {
                answer.AddRange(buffer.AsSpan(0, count));
            }
        }
        catch (SocketException)
        {
            // It was refused before its end.
        }
    }

    private static string Body(int number, int length) => string.Create(length, number, static (text, number) =>
    {
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = (char)('a' + (((i * 7) + (i / 100) + number) % 26));
        }
    });

    private static (string Target, List<(string Name, string Value)> Fields) Padding(int number, string pad, int length, bool isHttp2, Random random)
    {
        var path = $"/case/{number}";
        var filler = new string('x', length);
        return pad switch
        {
            "none" => (path, []),
            "query" => ($"{path}?{filler}", []),
            "userinfo" => ($"http://{filler}u@{Host}{path}", []),
            "absolute" => ($"http://{Host}{path}?{filler}", []),
            "long name" => (path, [("x-" + filler[..Math.Min(length, 500)], "1")]),
            "many" => (path, [.. Enumerable.Range(0, Math.Min(80, length / 20)).Select(i => ($"x-{i}", new string('y', 20)))]),
            "cookie" => (path, [.. Enumerable.Range(0, isHttp2 ? 4 : 1).Select(i => ("cookie", $"c{i}={filler[..(length / 4)]}"))]),
            "expect" => (path, [.. Enumerable.Range(0, 1 + random.Next(20)).Select(static _ => ("expect", "100-continue"))]),
            _ => (path, [(pad, filler + "x")]),
        };
    }

    private static List<byte[]> Http1(
        string target, List<(string Name, string Value)> fields, string body, int first, bool isSized, int trailers, Random random)
    {
        var wire = new StringBuilder($"POST {target} HTTP/1.1\r\nHost: {Host}\r\n");
        foreach (var (name, value) in fields)
        {
            wire.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        wire.Append(isSized ? $"Content-Length: {body.Length}\r\n" : "Transfer-Encoding: chunked\r\n").Append("Connection: close\r\n\r\n");
        var cuts = new List<int>();
        if (isSized)
        {
            cuts.Add(wire.Length + random.Next(Math.Min(first + 1, body.Length + 1)));
            wire.Append(body);
            return Cut(wire.ToString(), cuts);
        }

        cuts.AddRange(random.Next(3) == 0 ? [wire.Length] : []);
        for (var at = 0; at < body.Length;)
        {
            var size = at < first ? first - at : 1 + random.Next(body.Length - at);
            size = random.Next(4) == 0 ? 1 + random.Next(size) : size;
            wire.Append(size.ToString("x", CultureInfo.InvariantCulture)).Append("\r\n").Append(body, at, size);
            at += size;

            // Behind the first piece: before or in the line end, before the next length, or within that.
            cuts.AddRange(at == first || random.Next(10) == 0 ? [wire.Length + random.Next(5)] : []);
            wire.Append("\r\n");
        }

        wire.Append("0\r\n").Append(trailers > 0 ? $"x-t: {new string('t', trailers)}\r\n" : "");
        cuts.AddRange(random.Next(4) == 0 ? [wire.Length - random.Next(3)] : []);
        return Cut(wire.Append("\r\n").ToString(), cuts);
    }

    private static List<byte[]> Http2(
        string target, List<(string Name, string Value)> fields, string body, int first, bool isSized, int trailers, bool isPadded, Random random)
    {
        var authority = target.StartsWith("http://", StringComparison.Ordinal)
            ? target["http://".Length..target.IndexOf("/case", StringComparison.Ordinal)]
            : Host;
        (string, string)[] all =
        [
            (":method", "POST"), (":scheme", "http"), (":authority", authority), (":path", target[target.IndexOf("/case", StringComparison.Ordinal)..]),
            .. fields, .. isSized ? [("content-length", $"{body.Length}")] : Array.Empty<(string, string)>(),
        ];
        var pieces = new List<byte[]> { (byte[])[.. RawHttp2.Preface, .. RawHttp2.Headers(0, all)] };
        var waits = random.Next(3) == 0;
        var endsLate = trailers > 0 || body.Length == 0 || random.Next(2) == 0;
        for (var at = 0; at < body.Length;)
        {
            var size = Math.Min(at < first ? first - at : 1 + random.Next(body.Length - at), 16_000);
            size = random.Next(4) == 0 ? 1 + random.Next(size) : size;
            byte? padding = isPadded && random.Next(3) == 0 ? (byte)random.Next(200) : null;
            var frame = RawHttp2.Data(!endsLate && at + size == body.Length ? RawHttp2.EndStream : (byte)0, body.Substring(at, size), padding);
            waits = Add(pieces, frame, waits);
            at += size;
            waits |= at == first || random.Next(10) == 0;
        }

        if (trailers > 0)
        {
            Add(pieces, RawHttp2.Headers(RawHttp2.EndStream, ("x-t", new string('t', trailers))), waits);
        }
        else if (endsLate)
        {
            Add(pieces, RawHttp2.Data(RawHttp2.EndStream, ""), waits);
        }

        return pieces;
    }

    // Behind a wait, or in one segment with what comes before. Says that the next need not wait.
    private static bool Add(List<byte[]> pieces, byte[] frame, bool waits)
    {
        if (waits)
        {
            pieces.Add(frame);
        }
        else
        {
            pieces[^1] = [.. pieces[^1], .. frame];
        }

        return false;
    }

    private static List<byte[]> Cut(string wire, List<int> cuts)
    {
        var pieces = new List<byte[]>();
        var from = 0;
        foreach (var cut in cuts.Append(wire.Length).Select(cut => Math.Min(cut, wire.Length)).Order().Where(cut => cut > from))
        {
            pieces.Add(Encoding.Latin1.GetBytes(wire[from..cut]));
            from = cut;
        }

        return pieces;
    }
}
