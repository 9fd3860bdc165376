using System.Buffers;

namespace Konstruct.Gateway.Sockets;

/// <summary>
/// Kestrel's stream of an upgraded connection. Frames written while <see cref="MoreFollows"/> is set are sent with the next
/// write. The WebSocket writes and flushes under its own lock, also for pings and pongs, so only one write runs at a time.
/// </summary>
internal sealed class JoiningStream(Stream inner) : Stream
{
    private byte[] _kept = [];
    private int _length;

    /// <summary>Whether the writer has another frame ready. The writer sets it before each frame and clears it before the last one.</summary>
    public bool MoreFollows { get; set; }

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!MoreFollows && _length == 0)
        {
            return inner.WriteAsync(buffer, cancellationToken);
        }

        Keep(buffer.Span);
        return MoreFollows ? default : WriteKeptAsync(cancellationToken);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => _length > 0 ? Task.CompletedTask : inner.FlushAsync(cancellationToken);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(buffer, cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_kept.Length - _length < bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + bytes.Length, Math.Max(4096, 2 * _kept.Length)));
            _kept.AsSpan(0, _length).CopyTo(larger);
            Return();
            _kept = larger;
        }

        bytes.CopyTo(_kept.AsSpan(_length));
        _length += bytes.Length;
    }

    private async ValueTask WriteKeptAsync(CancellationToken cancellationToken)
    {
        await inner.WriteAsync(_kept.AsMemory(0, _length), cancellationToken);
        _length = 0;
        Return();
    }

    /// <summary>An idle socket holds no buffer.</summary>
    private void Return()
    {
        if (_kept.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_kept);
            _kept = [];
        }
    }
}
