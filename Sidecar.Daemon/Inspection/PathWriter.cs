namespace Sidecar.Daemon.Inspection;

/// <summary>Writes the normal form of one path into a buffer, segment by segment. For <see cref="PathNormalizer"/> only.</summary>
/// <remarks>Every char is written at most once and taken away at most once, so the work is linear.</remarks>
internal ref struct PathWriter
{
    private readonly Span<char> _output;
    private readonly PathReading _reading;
    private int _length;
    private int _segment;

    /// <summary>A writer for one path.</summary>
    /// <param name="output">Room for one char more than the path has.</param>
    /// <param name="reading">How the path is read.</param>
    public PathWriter(Span<char> output, PathReading reading)
    {
        _output = output;
        _reading = reading;
        _output[0] = '/';
        _length = _segment = 1;
    }

    /// <summary>Writes the path.</summary>
    public void Write(ReadOnlySpan<char> path)
    {
        var at = 0;
        var isFirst = true;
        while (at < path.Length)
        {
            if (path[at] == ';' && Has(PathReading.ParametersDroppedFirst))
            {
                at += LengthOfParameters(path[at..]);
                isFirst = false;
                continue;
            }

            var next = Read(path, ref at);
            if (!IsSeparator(next))
            {
                _output[_length++] = next;
            }
            else if (!isFirst)
            {
                CloseSegment(isLast: false);
            }

            // The slash that every path begins with is written already.
            isFirst = false;
        }

        CloseSegment(isLast: true);
    }

    /// <summary>The normal form.</summary>
    public readonly ReadOnlySpan<char> Finish()
    {
        if (!Has(PathReading.EmptySegmentsCount))
        {
            return _output[.._length];
        }

        var kept = 1;
        for (var i = 1; i < _length; i++)
        {
            if (_output[i] != '/' || _output[kept - 1] != '/')
            {
                _output[kept++] = _output[i];
            }
        }

        return _output[..kept];
    }

    // Up to the separator that stands in the path as it came.
    private readonly int LengthOfParameters(ReadOnlySpan<char> rest)
    {
        var end = Has(PathReading.BackslashSeparates) ? rest.IndexOfAny('/', '\\') : rest.IndexOf('/');
        return end < 0 ? rest.Length : end;
    }

    // One char of the path. An escape that is not decoded is read as the percent sign, its digits follow as chars.
    private readonly char Read(ReadOnlySpan<char> path, ref int at)
    {
        var next = path[at++];
        if (next != '%' || path.Length - at < 2 || !char.IsAsciiHexDigit(path[at]) || !char.IsAsciiHexDigit(path[at + 1]))
        {
            return next;
        }

        var decoded = (char)((HexValue(path[at]) << 4) | HexValue(path[at + 1]));
        if (!Has(PathReading.EscapesDecoded) && (!IsUnreserved(decoded) || WouldMakeEscape(decoded)))
        {
            return next;
        }

        at += 2;
        return decoded;
    }

    // "%%32e": decoding the digit would make an escape that was not there, and a second pass would read on.
    private readonly bool WouldMakeEscape(char decoded)
    {
        if (!char.IsAsciiHexDigit(decoded))
        {
            return false;
        }

        return _output[_length - 1] == '%'
            || (_length > 1 && _output[_length - 2] == '%' && char.IsAsciiHexDigit(_output[_length - 1]));
    }

    private void CloseSegment(bool isLast)
    {
        if (Has(PathReading.ParametersDropped) && _output[_segment.._length].IndexOf(';') is >= 0 and var parameters)
        {
            _length = _segment + parameters;
        }

        var segment = _output[_segment.._length];
        if (segment is ".")
        {
            _length = _segment;
        }
        else if (segment is "..")
        {
            // Above the root there is nothing: the root stays.
            _length = _segment == 1 ? 1 : _output[..(_segment - 1)].LastIndexOf('/') + 1;
        }
        else if (!isLast && (!segment.IsEmpty || Has(PathReading.EmptySegmentsCount)))
        {
            _output[_length++] = '/';
        }

        _segment = _length;
    }

    private readonly bool IsSeparator(char next) => next == '/' || (next == '\\' && Has(PathReading.BackslashSeparates));

    private readonly bool Has(PathReading reading) => (_reading & reading) != 0;

    private static bool IsUnreserved(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~';

    private static int HexValue(char digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
