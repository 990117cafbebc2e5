namespace Sidecar.Tests.EndToEnd;

/// <summary>The ready configurations with which nginx shows bodies.</summary>
internal enum NginxScript
{
    /// <summary>nginx-lua.conf with sidecar.lua, which asks in frames.</summary>
    Lua,

    /// <summary>nginx-njs.conf with sidecar.js, which asks in JSON.</summary>
    Njs,
}
