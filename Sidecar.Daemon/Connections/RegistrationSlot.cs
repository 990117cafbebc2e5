namespace Sidecar.Daemon.Connections;

/// <summary>One place among the connections that an agent may have, taken before it is told that it may come in. Disposing gives it back, once.</summary>
internal sealed class RegistrationSlot(Action release) : IDisposable
{
    private Action? _release = release;

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
