export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden>
      <rect width="32" height="32" rx="7" fill="#0b5fa8" />
      <path d="M5 11c3.7 0 3.7 3 7.3 3s3.7-3 7.4-3S23.3 14 27 14M5 18c3.7 0 3.7 3 7.3 3s3.7-3 7.4-3S23.3 21 27 21" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
    </svg>
  );
}
