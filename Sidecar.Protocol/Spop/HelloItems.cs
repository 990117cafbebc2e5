namespace Sidecar.Protocol.Spop;

/// <summary>The items of a HAPROXY-HELLO as they come in (proxy integration §1.5).</summary>
internal ref struct HelloItems
{
    private bool _hasVersions;
    private bool _speaksVersion2;
    private bool _hasSize;
    private bool _hasCapabilities;

    public ulong MaxFrameSize { get; private set; }

    public SpopCapabilities Capabilities { get; private set; }

    public ReadOnlySpan<byte> EngineId { get; private set; }

    public bool IsHealthCheck { get; private set; }

    /// <summary>Takes one item, known or not.</summary>
    public bool TryTake(ReadOnlySpan<byte> key, in SpopValue value, out SpopError error)
    {
        error = default;
        if (key.SequenceEqual(SpopKeys.SupportedVersions))
        {
            _hasVersions = true;
            _speaksVersion2 = HasVersion2(value.Bytes);
            return IsText("supported-versions", value, out error);
        }

        if (key.SequenceEqual(SpopKeys.MaxFrameSize))
        {
            return TryTakeSize(value, out error);
        }

        if (key.SequenceEqual(SpopKeys.Capabilities))
        {
            _hasCapabilities = true;
            Capabilities = ReadCapabilities(value.Bytes);
            return IsText("capabilities", value, out error);
        }

        if (key.SequenceEqual(SpopKeys.EngineId))
        {
            EngineId = value.Bytes;
            return IsText("engine-id", value, out error);
        }

        if (key.SequenceEqual(SpopKeys.HealthCheck))
        {
            if (!value.TryGetBoolean(out var check))
            {
                error = WrongType("healthcheck", value, "a BOOL (1)");
                return false;
            }

            IsHealthCheck = check;
        }

        return true;
    }

    /// <summary>Whether what must be there is there and suits us.</summary>
    public readonly bool AreComplete(out SpopError error)
    {
        error = (_hasVersions, _hasSize, _hasCapabilities) switch
        {
            (false, _, _) => new(SpopStatus.VersionMissing, "HAPROXY-HELLO has no supported-versions"),
            _ when !_speaksVersion2 => new(SpopStatus.UnsupportedVersion, "supported-versions names no version 2.x; 2.0 is spoken here"),
            (_, false, _) => new(SpopStatus.MaxFrameSizeMissing, "HAPROXY-HELLO has no max-frame-size"),
            (_, _, false) => new(SpopStatus.CapabilitiesMissing, "HAPROXY-HELLO has no capabilities; an empty list would do"),
            _ => default,
        };
        return error == default;
    }

    private bool TryTakeSize(in SpopValue value, out SpopError error)
    {
        error = default;
        _hasSize = true;
        MaxFrameSize = value.Bits;
        if (value.Type is not (SpopDataType.Int32 or SpopDataType.UInt32 or SpopDataType.Int64 or SpopDataType.UInt64))
        {
            error = WrongType("max-frame-size", value, "an integer (2 to 5)");
        }
        else if (!value.TryGetUInt64(out var size) || size < SpopLimits.MinFrameSize)
        {
            // Only a negative number has no unsigned value; as bits it would be an enormous one.
            error = new(
                SpopStatus.BadMaxFrameSize, $"a max-frame-size of {(long)value.Bits}; at least {SpopLimits.MinFrameSize} is needed");
        }

        return error == default;
    }

    private static bool IsText(string key, in SpopValue value, out SpopError error)
    {
        error = value.Type == SpopDataType.String ? default : WrongType(key, value, "a STRING (8)");
        return error == default;
    }

    private static SpopError WrongType(string key, in SpopValue value, string wanted) =>
        SpopError.Invalid($"{key} of HAPROXY-HELLO has type {(byte)value.Type}; it is {wanted}");

    /// <summary>Whoever names a version 2.x also speaks 2.0: a major version includes all its minor ones.</summary>
    private static bool HasVersion2(ReadOnlySpan<byte> versions)
    {
        while (!versions.IsEmpty)
        {
            var version = SpopText.NextItem(ref versions);
            if (version.Length >= 3 && version.StartsWith("2."u8) && !version[2..].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            {
                return true;
            }
        }

        return false;
    }

    private static SpopCapabilities ReadCapabilities(ReadOnlySpan<byte> list)
    {
        var found = SpopCapabilities.None;
        while (!list.IsEmpty)
        {
            var item = SpopText.NextItem(ref list);
            found |= item.SequenceEqual(SpopKeys.Pipelining) ? SpopCapabilities.Pipelining
                : item.SequenceEqual(SpopKeys.Fragmentation) ? SpopCapabilities.Fragmentation
                : item.SequenceEqual(SpopKeys.Async) ? SpopCapabilities.Async
                : SpopCapabilities.None;
        }

        return found;
    }
}
