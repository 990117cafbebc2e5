using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Sidecar.Daemon.FrontEnds.Json;

/// <summary>Walks through the JSON of a question and says of everything that is not as it should be where it stands and what it is.</summary>
/// <remarks>Of a name that comes twice the last one counts. Errors are <see cref="QuestionException"/>, and <see cref="JsonException"/> where the text is no JSON.</remarks>
internal ref struct QuestionJson
{
    /// <summary>Deepest nesting. The format needs 5; what is unknown in it may be deeper.</summary>
    public const int MaxDepth = 32;

    private readonly Step[] _path = new Step[MaxDepth + 1];
    private Utf8JsonReader _reader;
    private int _depth;

    /// <summary>Begins with the outermost value.</summary>
    public QuestionJson(ReadOnlySpan<byte> json)
    {
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        _reader.Read();
    }

    /// <summary>Whether the value is null.</summary>
    public readonly bool IsNull => _reader.TokenType == JsonTokenType.Null;

    /// <summary>Goes into the object that stands here.</summary>
    public void EnterObject() => Enter(JsonTokenType.StartObject, "an object");

    /// <summary>Goes into the array that stands here.</summary>
    public void EnterArray()
    {
        Enter(JsonTokenType.StartArray, "an array");
        _path[_depth - 1] = new Step(null, -1);
    }

    /// <summary>Goes to the value of the object's next property; false, and outside again, after the last.</summary>
    public bool NextProperty(out string name)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.EndObject)
        {
            (name, _depth) = ("", _depth - 1);
            return false;
        }

        name = Text(_reader.ValueSpan, _reader.ValueIsEscaped);
        _path[_depth - 1] = new Step(name, 0);
        _reader.Read();
        return true;
    }

    /// <summary>Goes to the array's next value; false, and outside again, after the last.</summary>
    public bool NextElement()
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.EndArray)
        {
            _depth--;
            return false;
        }

        _path[_depth - 1] = new Step(null, _path[_depth - 1].Index + 1);
        return true;
    }

    /// <summary>Passes by the value that stands here.</summary>
    public void Skip() => _reader.Skip();

    /// <summary>The text that stands here; null for null.</summary>
    public readonly string? Text() => IsNull ? null : Text(TextSpan(), _reader.ValueIsEscaped);

    /// <summary>Where the text that stands here begins, how long it is as written, and whether it has escapes.</summary>
    public readonly (int Start, int Length, bool IsEscaped) TextPlace() => ((int)_reader.TokenStartIndex + 1, TextSpan().Length, _reader.ValueIsEscaped);

    /// <summary>The bytes of the text that stands here.</summary>
    /// <param name="target">Takes them; at least as long as the text as written.</param>
    public readonly int CopyText(Span<byte> target) => JsonText.Unescape(TextSpan(), target);

    /// <summary>How long the text that stands here is as written.</summary>
    public readonly int TextLength() => TextSpan().Length;

    /// <summary>The whole number that stands here; null for null.</summary>
    /// <param name="min">Smallest allowed.</param>
    /// <param name="max">Largest allowed.</param>
    public readonly long? Number(long min, long max)
    {
        if (IsNull)
        {
            return null;
        }

        if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt64(out var number) || number < min || number > max)
        {
            throw Wrong($"a whole number from {min} to {max}");
        }

        return number;
    }

    /// <summary>The truth value that stands here; null for null.</summary>
    public readonly bool? Truth() => _reader.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Wrong("true or false"),
    };

    /// <summary>After the outermost value nothing may come.</summary>
    public void Finish() => _reader.Read();

    /// <summary>The error that something else should stand here.</summary>
    public readonly QuestionException Wrong(string expected) => new(QuestionError.Malformed($"{Path()} is {Seen()}; {expected} is expected"));

    private void Enter(JsonTokenType token, string expected)
    {
        if (_reader.TokenType != token)
        {
            throw Wrong(expected);
        }

        _depth++;
    }

    private readonly ReadOnlySpan<byte> TextSpan() => _reader.TokenType == JsonTokenType.String ? _reader.ValueSpan : throw Wrong("a string");

    private static string Text(ReadOnlySpan<byte> raw, bool isEscaped)
    {
        if (!isEscaped)
        {
            return WireText.Of(raw);
        }

        var rented = ArrayPool<byte>.Shared.Rent(raw.Length);
        var text = WireText.Of(rented.AsSpan(0, JsonText.Unescape(raw, rented)));
        ArrayPool<byte>.Shared.Return(rented);
        return text;
    }

    private readonly string Seen() => _reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => $"'{Inspection.HeaderRules.Echo(Text(_reader.ValueSpan, _reader.ValueIsEscaped))}'",
        JsonTokenType.Number => Inspection.HeaderRules.Echo(Encoding.ASCII.GetString(_reader.ValueSpan)),
        var other => other.ToString().ToLowerInvariant(),
    };

    private readonly string Path()
    {
        var path = new StringBuilder("$");
        for (var i = 0; i < _depth; i++)
        {
            _ = _path[i].Name is { } name ? path.Append('.').Append(Inspection.HeaderRules.Echo(name)) : path.Append('[').Append(_path[i].Index).Append(']');
        }

        return path.ToString();
    }

    private readonly record struct Step(string? Name, int Index);
}
