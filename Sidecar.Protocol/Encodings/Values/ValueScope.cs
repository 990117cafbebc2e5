namespace Sidecar.Protocol.Encodings.Values;

/// <summary>A container that is being read.</summary>
internal struct ValueScope
{
    /// <summary>The count a writer claimed, or <see cref="UnknownCount"/> in JSON.</summary>
    internal const int UnknownCount = -1;

    /// <summary>A container of a known or unknown number of elements.</summary>
    internal ValueScope(bool isMap, int count)
    {
        IsMap = isMap;
        Count = count;
        Left = count;
    }

    /// <summary>Elements or pairs claimed, or <see cref="UnknownCount"/>.</summary>
    internal int Count { get; }

    /// <summary>True for keys and values, false for a list.</summary>
    internal bool IsMap { get; }

    /// <summary>Elements or pairs not yet begun; only kept where the count is known.</summary>
    internal int Left { get; set; }

    /// <summary>Elements begun so far.</summary>
    internal int Position { get; set; }
}
