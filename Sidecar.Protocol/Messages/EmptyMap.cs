using System.Collections.Frozen;
using System.Text.Json;

namespace Sidecar.Protocol.Messages;

/// <summary>The empty maps that messages share, so that "nothing said" costs nothing and is recognised by reference.</summary>
internal static class EmptyMap
{
    internal static readonly IReadOnlyDictionary<string, string> OfStrings = FrozenDictionary<string, string>.Empty;

    internal static readonly IReadOnlyDictionary<string, JsonElement> OfJson = FrozenDictionary<string, JsonElement>.Empty;
}
