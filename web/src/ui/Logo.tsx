export const Logo = ({ size = 32 }: { size?: number }) => <img className="logo" src="/favicon.svg" width={size} height={size} alt="" />;
