using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>What an operator says about a spop listener besides what all listeners have.</summary>
internal sealed record SpopOptions : SettingOptions
{
    /// <summary>Whether HAProxy is configured to ask about responses too.</summary>
    public bool HasResponsePhase => Get(ListenerSettings.ResponsePhase);

    /// <summary>How header changes are told.</summary>
    public HeaderForm HeaderForm => Get(ListenerSettings.HeaderForm);

    /// <summary>HAProxy's <c>option var-prefix</c>.</summary>
    public string VariablePrefix => Get(ListenerSettings.VariablePrefix)!;

    /// <summary>The largest frame to agree to, in bytes.</summary>
    public int MaxFrameSize => (int)Get(ListenerSettings.MaxFrame);
}

/// <summary>How header changes are told to HAProxy.</summary>
internal enum HeaderForm
{
    /// <summary>As packed lists of any number of headers, which the ready Lua actions apply, or HAProxy 3.4 by itself.</summary>
    Lists,

    /// <summary>As one variable for each header that the listener names, for a configuration without Lua.</summary>
    Names,
}
