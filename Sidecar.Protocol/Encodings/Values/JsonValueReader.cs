namespace Sidecar.Protocol.Encodings.Values;

/// <summary>Reads a JSON payload (spec §4.1).</summary>
/// <remarks>It moves to a token only when the token is asked for, so that what stands before a broken place can still be read.</remarks>
internal ref struct JsonValueReader : IValueReader<JsonValueReader>
{
    /// <summary>How deep containers may nest.</summary>
    internal const int MaxDepth = 64;

    private readonly int _length;
    private Utf8JsonReader _json;
    private bool _current;
    private byte[]? _keyScratch;
    private byte[]? _textScratch;

    internal JsonValueReader(ReadOnlySpan<byte> utf8)
    {
        _json = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        _length = utf8.Length;
        Member = "";
    }

    public string Member { get; set; }

    public readonly int Remaining => _length - (int)_json.BytesConsumed;

    public ValueKind Kind => Peek() switch
    {
        JsonTokenType.StartObject => ValueKind.Map,
        JsonTokenType.StartArray => ValueKind.Array,
        JsonTokenType.String => ValueKind.String,
        JsonTokenType.Number => ValueKind.Number,
        JsonTokenType.True or JsonTokenType.False => ValueKind.Boolean,
        JsonTokenType.Null => ValueKind.Null,
        _ => ValueKind.End,
    };

    public static JsonValueReader Create(ReadOnlyMemory<byte> payload) => new(payload.Span);

    public ValueScope BeginMap()
    {
        Take(JsonTokenType.StartObject, "an object");
        return new ValueScope(isMap: true, ValueScope.UnknownCount);
    }

    public bool NextKey(ref ValueScope scope, out ReadOnlySpan<byte> key)
    {
        var token = Peek();
        _current = false;
        if (token == JsonTokenType.EndObject)
        {
            key = default;
            return false;
        }

        scope.Position++;
        key = _json.ValueIsEscaped ? Unescape(ref _keyScratch) : _json.ValueSpan;
        return true;
    }

    public ValueScope BeginArray()
    {
        Take(JsonTokenType.StartArray, "a list");
        return new ValueScope(isMap: false, ValueScope.UnknownCount);
    }

    public bool NextItem(ref ValueScope scope)
    {
        if (Peek() == JsonTokenType.EndArray)
        {
            _current = false;
            return false;
        }

        scope.Position++;
        return true;
    }

    public bool ReadBoolean()
    {
        var token = Peek();
        if (token is not (JsonTokenType.True or JsonTokenType.False))
        {
            throw ProtocolErrors.WrongKind(Member, "true or false", Kind);
        }

        _current = false;
        return token == JsonTokenType.True;
    }

    public ulong ReadUInt64()
    {
        Take(JsonTokenType.Number, "a number");
        return _json.TryGetUInt64(out var value) ? value : Numbers.ToUInt64(Member, _json.GetDouble());
    }

    public long ReadInt64()
    {
        Take(JsonTokenType.Number, "a number");
        return _json.TryGetInt64(out var value) ? value : Numbers.ToInt64(Member, _json.GetDouble());
    }

    public double ReadDouble()
    {
        Take(JsonTokenType.Number, "a number");
        var value = _json.GetDouble();
        return double.IsFinite(value)
            ? value
            : throw new ProtocolException($"{Member} is beyond what a double can hold; send less than 1.8e308");
    }

    public ReadOnlySpan<byte> ReadUtf8()
    {
        Take(JsonTokenType.String, "a string");
        return _json.ValueIsEscaped ? Unescape(ref _textScratch) : _json.ValueSpan;
    }

    public ReadOnlyMemory<byte> ReadBytes() => Base64Text.Decode(Member, ReadUtf8());

    public JsonElement ReadJson()
    {
        Peek();
        _current = false;
        return FreeJson.Repaired(JsonElement.ParseValue(ref _json));
    }

    public void Skip()
    {
        Peek();
        _current = false;
        _json.Skip();
    }

    public void End()
    {
        // Anything but white space behind the value makes this throw.
        _json.Read();
    }

    private JsonTokenType Peek()
    {
        if (!_current)
        {
            if (!_json.Read())
            {
                return JsonTokenType.None;
            }

            _current = true;
        }

        return _json.TokenType;
    }

    private void Take(JsonTokenType token, string name)
    {
        if (Peek() != token)
        {
            throw ProtocolErrors.WrongKind(Member, name, Kind);
        }

        _current = false;
    }

    private readonly ReadOnlySpan<byte> Unescape(scoped ref byte[]? scratch)
    {
        if (scratch is null || scratch.Length < _json.ValueSpan.Length)
        {
            scratch = new byte[_json.ValueSpan.Length];
        }

        return scratch.AsSpan(0, _json.CopyString(scratch));
    }
}
