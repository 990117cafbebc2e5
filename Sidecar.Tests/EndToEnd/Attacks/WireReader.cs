using System.Globalization;
using System.Text;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>Reads HTTP/1.1 messages off a connection and hides nothing of them, as a server of ours would. Not thread-safe.</summary>
internal sealed class WireReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _at;
    private int _end;

    /// <summary>The next request; null at the end of the connection.</summary>
    /// <exception cref="EndOfStreamException">The connection ended within it.</exception>
    public async Task<WireMessage?> RequestAsync()
    {
        if (await HeadAsync() is not { } request)
        {
            return null;
        }

        return request with { Body = IsChunked(request) ? await ChunksAsync() : await BytesAsync(LengthOf(request) ?? 0) };
    }

    /// <summary>What was read behind the last message, once.</summary>
    public ReadOnlyMemory<byte> TakeRead()
    {
        var rest = _buffer.AsMemory(_at, _end - _at);
        _at = _end;
        return rest;
    }

    /// <summary>The next answer that is no interim one, read to its end; null when the connection ended before.</summary>
    /// <param name="hasBody">False for the answer to a HEAD.</param>
    public async Task<WireMessage?> AnswerAsync(bool hasBody)
    {
        WireMessage? answer;
        do
        {
            answer = await HeadAsync();
        }
        while (answer is { Target: ['1', _, _] });
        if (answer is null || !hasBody || answer.Target is "204" or "304")
        {
            return answer;
        }

        return answer with { Body = IsChunked(answer) ? await ChunksAsync() : LengthOf(answer) is { } length ? await BytesAsync(length) : await RestAsync() };
    }

    private static bool IsChunked(WireMessage message) => message.Values("transfer-encoding").Any(static value => value.EndsWith("chunked", StringComparison.OrdinalIgnoreCase));

    private static int? LengthOf(WireMessage message) =>
        message.Values("content-length").Select(static value => (int?)int.Parse(value, CultureInfo.InvariantCulture)).FirstOrDefault();

    private async Task<WireMessage?> HeadAsync()
    {
        var head = new StringBuilder();
        while (await LineAsync() is { } line)
        {
            // An empty line before a request is none.
            if (line.Length > 0)
            {
                head.Append(line).Append("\r\n");
            }
            else if (head.Length > 0)
            {
                return WireMessage.ParseHead(head.ToString());
            }
        }

        return head.Length == 0 ? null : throw new EndOfStreamException($"the connection ended within a head: '{head}'");
    }

    private async Task<byte[]> ChunksAsync()
    {
        using var body = new MemoryStream();
        while (await SizeAsync() is > 0 and var size)
        {
            body.Write(await BytesAsync(size));
            await LineAsync();
        }

        // Trailers.
        while (await LineAsync() is { Length: > 0 })
        {
        }

        return body.ToArray();
    }

    private async Task<int> SizeAsync()
    {
        var line = await LineAsync() ?? throw new EndOfStreamException("the connection ended before the size of a chunk");
        return int.Parse(line.Split(';')[0].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private async Task<byte[]> BytesAsync(int count)
    {
        var bytes = new byte[count];
        for (var filled = 0; filled < count;)
        {
            if (_at == _end && !await FillAsync())
            {
                throw new EndOfStreamException($"the connection ended after {filled} of {count} bytes of a body");
            }

            var part = Math.Min(count - filled, _end - _at);
            _buffer.AsSpan(_at, part).CopyTo(bytes.AsSpan(filled));
            (_at, filled) = (_at + part, filled + part);
        }

        return bytes;
    }

    private async Task<byte[]> RestAsync()
    {
        using var rest = new MemoryStream();
        do
        {
            rest.Write(_buffer, _at, _end - _at);
            _at = _end;
        }
        while (await FillAsync());
        return rest.ToArray();
    }

    // A line without its end, a char for each byte; null at the end of the connection.
    private async Task<string?> LineAsync()
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_at == _end && !await FillAsync())
            {
                return line.Length == 0 ? null : throw new EndOfStreamException($"the connection ended within a line: '{line}'");
            }

            var unread = _buffer.AsSpan(_at, _end - _at);
            var end = unread.IndexOf((byte)'\n');
            line.Append(Encoding.Latin1.GetString(end < 0 ? unread : unread[..end]));
            _at += end < 0 ? unread.Length : end + 1;
            if (end >= 0)
            {
                return line.Length > 0 && line[^1] == '\r' ? line.ToString(0, line.Length - 1) : line.ToString();
            }
        }
    }

    private async Task<bool> FillAsync()
    {
        (_at, _end) = (0, await stream.ReadAsync(_buffer, CancellationToken.None));
        return _end > 0;
    }
}
